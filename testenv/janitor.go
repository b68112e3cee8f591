package testenv

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"nightjar/clickhouse"
)

// janitorArg is the hidden first argument by which a test binary knows that it
// is the janitor of another; the second is the folder.
const janitorArg = "__testenv-janitor"

// tempDir makes the folder for the server of this binary. A test binary ends
// without a word to its packages, and is sometimes killed, so a janitor process
// waits for its end and removes the folder after it.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "nightjar-test-")
	if err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	janitor := exec.Command(self, janitorArg, dir)
	if _, err := janitor.StdinPipe(); err != nil {
		return "", err
	}
	if err := janitor.Start(); err != nil {
		return "", fmt.Errorf("start the janitor: %w", err)
	}
	go func() { _ = janitor.Wait() }() // it outlives this process
	return dir, nil
}

// runJanitor returns at once unless this process is a janitor.
func runJanitor() {
	if len(os.Args) != 3 || os.Args[1] != janitorArg {
		return
	}
	dir := os.Args[2]
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test binary ends
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		// The server ends a little later, and writes until it has.
		if clickhouse.ServerEnded(dir) && os.RemoveAll(dir) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	os.Exit(0)
}
