//go:build !linux

package clickhouse

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

func selfPath() (string, error) { return os.Executable() }

func duplicate(from, to int) error { return unix.Dup2(from, to) }

const canIsolate = false

func isolate(*exec.Cmd) {}

func raiseLoopback() error { return errors.New("only Linux has private networks") }

func confine(childSpec) error { return errors.New("only Linux has Landlock") }

func dropCapabilities(string) error { return nil }

func refuseCalls([]string, threads) error { return nil }

var forbiddenCalls, executing []string
