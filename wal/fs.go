package wal

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// FS is what the log asks of a file system. Tests give it one that fails.
type FS interface {
	MkdirAll(dir string) error
	List(dir string) ([]string, error)
	// Create makes a new file for appending; it must not exist.
	Create(path string) (File, error)
	Open(path string) (ReadFile, error)
	// ReadFile reads up to limit bytes; limit < 0: all.
	ReadFile(path string, limit int) ([]byte, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
	// Lock holds the file locked until it is closed or the process dies.
	Lock(path string) (File, error)
}

// File is a file being appended to.
type File interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// ReadFile is a file being read.
type ReadFile interface {
	io.ReaderAt
	io.Closer
}

// OS is the operating system's file system.
type OS struct{}

// MkdirAll makes a folder that only its owner enters.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

// List is the names in the folder.
func (OS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Create implements FS.
func (OS) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
}

// Open implements FS.
func (OS) Open(path string) (ReadFile, error) { return os.Open(path) }

// ReadFile implements FS.
func (OS) ReadFile(path string, limit int) ([]byte, error) {
	if limit < 0 {
		return os.ReadFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(limit)))
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements FS.
func (OS) SyncDir(dir string) error { return SyncDir(dir) }

// SyncDir makes the folder's list of files durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

// ReplaceFile replaces a small file by another, whole and
// durably or not at all; path.next is a file on its way.
func ReplaceFile(path string, content []byte) error {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Lock implements FS.
func (OS) Lock(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if (errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOENT)) && os.RemoveAll(path) == nil { // a folder or a broken link
		f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.New("another process uses it")
		}
		return nil, err
	}
	return f, nil
}
