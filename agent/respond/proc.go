package respond

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"nightjar/agent/process"
)

// inContainer reports whether a process is in a container, by its cgroups.
func inContainer(pid int) bool {
	for _, g := range cgroupsOf(pid) {
		if process.InContainer(g) {
			return true
		}
	}
	return false
}

// cgroupsOf are the paths of the cgroups of a process, in all hierarchies.
func cgroupsOf(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		const hierarchy, controllers, path = 0, 1, 2
		if parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", path+1); len(parts) > path {
			out = append(out, parts[path])
		}
	}
	return out
}

// rightNamespace is ErrNamespace where pids mean something else to the agent than to the
// kernel, whose first PID namespace has always the same number.
var rightNamespace = sync.OnceValue(func() error {
	const first = "pid:[4026531836]"
	if ns, err := os.Readlink("/proc/self/ns/pid"); err == nil && ns != first {
		return ErrNamespace
	}
	return nil
})
