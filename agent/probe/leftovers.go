package probe

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
)

// Leftovers names the programs of an agent that are in the kernel. There are some
// while an agent runs, and none when it has ended, in whatever way: nothing is
// pinned, and the kernel takes out what no process holds.
func Leftovers() ([]string, error) {
	var ours []string
	for _, o := range optional {
		ours = append(ours, o.forms...)
	}
	ours = append(ours, essential...)
	var out []string
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the kernel's programs: %w", err)
		}
		id = next
		name, err := programName(id)
		if err == nil && slices.ContainsFunc(ours, func(o string) bool { return o[:min(len(o), maxName)] == name }) {
			out = append(out, fmt.Sprintf("%s (id %d)", name, id))
		}
	}
}

// maxName is how long the kernel lets the name of a program be.
const maxName = 15

func programName(id ebpf.ProgramID) (string, error) {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return "", err // it is gone by now
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return "", err
	}
	return info.Name, nil
}
