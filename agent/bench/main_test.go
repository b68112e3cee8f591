package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// roles are what children of the benchmark do: the workloads, whose time is
// measured, and the agent.
var roles = map[string]func(args []string) error{
	"exec": workExec, "open": workOpen, "build": workBuild, "agent": runAgent,
}

const roleVariable = "NIGHTJAR_BENCH_ROLE"

func TestMain(m *testing.M) {
	if role := roles[os.Getenv(roleVariable)]; role != nil {
		_ = os.Unsetenv(roleVariable)
		if err := role(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// child makes a command that plays a role.
func child(role string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), roleVariable+"="+role)
	c.Stderr = os.Stderr
	return c
}
