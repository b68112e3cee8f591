package main

import "fmt"

// A target is a kind of machine to boot.
type target struct {
	arch    string // as Go and Debian say it
	qemu    string
	machine []string // arguments of QEMU
	console string   // the serial line
}

func findTarget(arch string) (target, error) {
	switch arch {
	case "amd64":
		return target{arch, "qemu-system-x86_64", []string{"-cpu", "max"}, "ttyS0"}, nil
	case "arm64":
		return target{arch, "qemu-system-aarch64", []string{"-M", "virt", "-cpu", "max,pauth-impdef=on"}, "ttyAMA0"}, nil
	}
	return target{}, fmt.Errorf("no machine of architecture %q: want amd64 or arm64", arch)
}
