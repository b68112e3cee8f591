package agent

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nightjar/secl/policy"
)

// clock converts the time since boot, in which the kernel counts, to the time of day.
// The difference changes when the clock is set, and is looked at again
// every second.
type clock struct {
	offset int64
	read   int64 // boot time at which it was read
}

func newClock() *clock { return &clock{} }

func (c *clock) at(boot uint64) int64 {
	const again = int64(time.Second)
	if d := int64(boot) - c.read; c.offset == 0 || d > again {
		var t unix.Timespec
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) == nil {
			c.read = t.Nano()
			c.offset = time.Now().UnixNano() - c.read
		}
	}
	return int64(boot) + c.offset
}

// BootID is what the kernel calls this boot; empty where it does not say.
func BootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text))
}

// thisHost is what filters of rules ask about.
func thisHost() *policy.Host {
	h := &policy.Host{OS: "linux", Origin: "ebpf", Envs: os.Environ()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.ParseKernel(unix.ByteSliceToString(u.Release[:]))
	}
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"`)
		switch name {
		case "ID":
			h.ID = value
		case "VERSION_ID":
			h.VersionID = value
		case "PRETTY_NAME":
			h.PrettyName = value
		}
	}
	return h
}
