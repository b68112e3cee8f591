package clickhouse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LockDataDir makes this process the one nightjar that works on dir, creating
// the folder if need be. A second one is refused at once and told who is there.
// The kernel drops the lock when the process ends, however it ends.
func LockDataDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	lock, err := openLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	switch err := lock.try(); {
	case errors.Is(err, errLocked):
		owner := lock.owner()
		lock.close()
		if owner == 0 {
			return nil, fmt.Errorf("data folder %s is in use by another nightjar", dir)
		}
		return nil, fmt.Errorf("data folder %s is in use by another nightjar (pid %d)", dir, owner)
	case err != nil:
		lock.close()
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	if err := lock.sign(os.Getpid()); err != nil {
		lock.close()
		return nil, fmt.Errorf("sign the lock of data folder %s: %w", dir, err)
	}
	return lock.close, nil
}

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked by another process")

// lockFile is a file held with flock, whose text is the process id of its
// holder. The lock belongs to the open file, so a child that inherits the
// descriptor holds it too, and for as long as it lives.
//
// gofrs/flock is not used: it does not hand out its descriptor, which the child needs,
// and its Unlock would end the child's lock as well.
type lockFile struct{ file *os.File }

func openLock(path string) (*lockFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &lockFile{file}, nil
}

func (l *lockFile) try() error {
	for {
		err := unix.Flock(int(l.file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		default:
			return err
		}
	}
}

// sign writes the holder's process id. The new text is written over the old one
// before the rest is cut off, so that a reader never finds the file empty.
func (l *lockFile) sign(pid int) error {
	text := strconv.Itoa(pid) + "\n"
	if _, err := l.file.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(text)))
}

// owner is the process id in the file, or 0 when there is none to be read.
func (l *lockFile) owner() int {
	text := make([]byte, 32)
	n, _ := l.file.ReadAt(text, 0)
	line, _, _ := strings.Cut(string(text[:n]), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

func (l *lockFile) close() { l.file.Close() }

// ServerEnded reports whether no embedded server runs on a data folder.
func ServerEnded(dataDir string) bool {
	lock, err := openLock(layout{filepath.Join(dataDir, "clickhouse")}.lock())
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	defer lock.close()
	return lock.try() == nil
}
