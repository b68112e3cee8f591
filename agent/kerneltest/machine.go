package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// A machine says how kernels are booted.
type machine struct {
	counted bool
	limit   time.Duration
	verbose bool
}

// boot runs a kernel with an initramfs until it switches itself off.
func (m machine) boot(ctx context.Context, t target, k kernel, initramfs string) (results, error) {
	ctx, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	c := exec.CommandContext(ctx, t.qemu, m.arguments(t, k, initramfs)...)
	var console bytes.Buffer
	c.Stdout, c.Stderr = &console, os.Stderr
	if m.verbose {
		c.Stdout = io.MultiWriter(&console, os.Stdout)
	}
	err := c.Run()
	if ctx.Err() == context.DeadlineExceeded {
		return results{}, fmt.Errorf("it did not come to its end within %s; this is the end of what it said:\n%s", m.limit, tail(console.Bytes()))
	}
	if err != nil {
		return results{}, fmt.Errorf("%s: %w", t.qemu, err)
	}
	return readResults(ctx, console.Bytes())
}

// arguments of QEMU. It never uses KVM: a kernel under test may hang on the one of
// a machine that is itself virtual, and must be the same everywhere.
func (m machine) arguments(t target, k kernel, initramfs string) []string {
	// Both CPUs in one thread: with two, a kernel that patches its own code, as it does
	// when a tracepoint is switched on, now and then runs into its breakpoint.
	cpus := []string{"-accel", "tcg,thread=single", "-smp", "2"}
	if m.counted {
		cpus = []string{"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"}
	}
	return slices.Concat(t.machine, cpus, []string{
		"-m", "2048", "-display", "none", "-monitor", "none", "-serial", "stdio", "-nodefaults", "-no-reboot",
		"-kernel", k.image, "-initrd", initramfs,
		"-append", "console=" + t.console + " panic=-1 quiet loglevel=1 mitigations=off " + k.boot,
	})
}

// tail is the last of a long text.
func tail(text []byte) []byte {
	const most = 4000
	return text[max(0, len(text)-most):]
}
