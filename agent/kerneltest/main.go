package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	arch     string
	kernels  string
	cache    string
	args     string
	packages []string
	machine  machine
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, readOptions())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kerneltest:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func readOptions() options {
	var o options
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	flag.StringVar(&o.arch, "arch", "amd64", "amd64 or arm64")
	flag.StringVar(&o.kernels, "kernels", "5.10,6.1,6.12", "which of Debian's kernels, divided by commas")
	flag.StringVar(&o.cache, "cache", filepath.Join(cache, "nightjar-kernels"), "where kernels are kept between runs")
	flag.StringVar(&o.args, "args", "", "further arguments of the test binaries, as in \"-test.run Exec\"")
	flag.BoolVar(&o.machine.counted, "icount", false, "one CPU whose time is the instructions it ran: figures do not depend on what else this machine does")
	flag.DurationVar(&o.machine.limit, "timeout", 40*time.Minute, "for each kernel, from boot to the end")
	flag.BoolVar(&o.machine.verbose, "v", false, "show what the tests print while they run")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Usage: go run ./agent/kerneltest [flags] [PACKAGES]   (default: ./agent/...)")
		flag.PrintDefaults()
	}
	flag.Parse()
	if o.packages = flag.Args(); len(o.packages) == 0 {
		o.packages = []string{"./agent/..."}
	}
	return o
}

// run tests every kernel, and reports whether all of them passed.
func run(ctx context.Context, o options) (bool, error) {
	target, err := findTarget(o.arch)
	if err != nil {
		return false, err
	}
	work, err := os.MkdirTemp("", "kerneltest-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(work) }()

	fetcher := fetcher{target: target, cache: o.cache}
	image := image{target: target, dir: filepath.Join(work, "root"), args: o.args}
	if err := image.build(ctx, &fetcher, o.packages); err != nil {
		return false, err
	}
	ok := true
	var lines []string
	for name := range strings.SplitSeq(o.kernels, ",") {
		line, passed, err := testKernel(ctx, o, &fetcher, &image, name)
		if err != nil {
			return false, fmt.Errorf("kernel %s: %w", name, err)
		}
		lines = append(lines, line)
		ok = ok && passed
	}
	fmt.Println("\n" + strings.Join(lines, "\n"))
	return ok, nil
}

// testKernel boots one kernel, and sums up what happened in it. One that is
// optional and not to be had passes, and the line says that it was not tested.
func testKernel(ctx context.Context, o options, f *fetcher, i *image, name string) (string, bool, error) {
	release, known := releases[name]
	if !known {
		return "", false, fmt.Errorf("want some of %s", strings.Join(knownReleases(), ", "))
	}
	kernel, err := f.kernel(ctx, release)
	if err != nil && release.optional && ctx.Err() == nil {
		return fmt.Sprintf("kernel %-5s NOT TESTED: %v", name, err), true, nil
	}
	if err != nil {
		return "", false, err
	}
	disk, err := i.pack(ctx, kernel)
	if err != nil {
		return "", false, err
	}
	fmt.Printf("== kernel %s (%s)\n", name, kernel.version)
	began := time.Now()
	results, err := o.machine.boot(ctx, i.target, kernel, disk)
	if err != nil {
		return "", false, err
	}
	results.printFailures(os.Stdout)
	line := fmt.Sprintf("kernel %-5s %-28s %s  (%s)", name, kernel.version, results, time.Since(began).Round(time.Second))
	return line, results.ok(), nil
}
