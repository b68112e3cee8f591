package ingest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// heal opens a piece of the intake's folder. One that can't be opened is set
// aside and begun anew: an engine that does not start takes nothing in, which is
// worse than what the piece held. unusable tells whether an error is the piece's
// own fault.
func (in *Intake) heal(name string, unusable func(path string, err error) bool, open func(path string) error) error {
	path := filepath.Join(in.deps.Dir, name)
	err := open(path)
	if err == nil || !unusable(path, err) || isFull(err) {
		return err
	}
	aside := path + ".damaged-" + in.deps.Now().UTC().Format("20060102T150405.000")
	if e := os.Rename(path, aside); e != nil {
		return errors.Join(err, e)
	}
	in.metrics.setAside.Inc()
	in.deps.Log.Error("a part of the intake's folder cannot be used; it is set aside and begun anew: "+whatItHeld[name],
		"part", name, "aside", aside, "error", err)
	return open(path)
}

// whatItHeld says what a lost piece costs.
var whatItHeld = map[string]string{
	"log":                "events in it that were not yet stored are lost",
	"batches":            "batch ids in it are forgotten, and a batch that is sent again may be doubled",
	"losses.jsonl":       "what was lost before is no longer known",
	"acknowledged":       "it said where the log should end",
	"aside":              "blocks of events in it that were set aside are not stored",
	"checkpoint":         "ClickHouse is asked how far it is instead",
	"dead-letters.jsonl": "the refused events in it are still there",
}

func always(string, error) bool { return true }

// isUnusableLog tells a log that is no folder from one that another process
// holds, or a disk that has no room.
func isUnusableLog(path string, err error) bool {
	_, there := os.Lstat(path)
	info, e := os.Stat(path)
	return there == nil && (e != nil || !info.IsDir()) ||
		errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR) ||
		(errors.Is(err, syscall.EIO) && !strings.Contains(err.Error(), "another process"))
}

// isFull tells a disk without room: nothing is wrong with what is on it.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}
