package agent

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where the code of the programs below stands in memory.
const base, headers = 0x400000, 64 + 56

// program32 is a program of 64 bits that makes one system call of 32 bits about a
// path (int 0x80: another table of numbers, other registers) and ends.
func program32(nr uint32, path string) []byte {
	code := []byte{0xb8, 0, 0, 0, 0, 0xbb, 0, 0, 0, 0, 0x31, 0xc9, 0x31, 0xd2, 0xcd, 0x80, 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80}
	binary.LittleEndian.PutUint32(code[1:], nr)
	binary.LittleEndian.PutUint32(code[6:], base+headers+uint32(len(code)))
	return executable(append(append(code, path...), 0))
}

// connect32 is likewise a program that connects descriptor 99, which it does not
// have, to 127.3.2.1:4444, by the one call that 32 bits have for all about sockets.
func connect32() []byte {
	const socketcall, connect, size = 102, 3, 16
	code := []byte{0xb8, socketcall, 0, 0, 0, 0xbb, connect, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xcd, 0x80, 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80}
	args := base + headers + uint32(len(code))
	binary.LittleEndian.PutUint32(code[11:], args)
	for _, v := range []uint32{99, args + 12, size} {
		code = binary.LittleEndian.AppendUint32(code, v)
	}
	return executable(append(code, 2, 0, 0x11, 0x5c, 127, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0))
}

// executable is a program that is these bytes.
func executable(code []byte) []byte {
	size := uint64(headers + len(code))
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	for _, v := range []any{
		uint16(2), uint16(62), uint32(1), uint64(base + headers), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(4096),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.Write(code)
	return b.Bytes()
}

func TestSystemCallsOf32BitsAreSeen(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("needs root or another kernel: calls of 32 bits are told apart on x86-64 only")
	}
	dir := t.TempDir()
	secret, program := filepath.Join(dir, "secret.txt"), filepath.Join(dir, "program")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `
		opened: open.file.path == "`+secret+`"
		gone: unlink.file.path == "`+secret+`"
		connected: connect.addr.ip == 127.3.2.1 && connect.addr.port == 4444 && connect.retval == EBADF
	`)
	for rule, code := range map[string][]byte{"opened": program32(5, secret), "gone": program32(10, secret), "connected": connect32()} {
		if err := writeProgram(program, code); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program)
		if err := c.Run(); err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ProcessState.Sys().(interface{ Signaled() bool }).Signaled() {
				t.Skipf("needs root or another kernel: no system calls of 32 bits: %v", err)
			}
			t.Fatal(err)
		}
		w.one(rule, c.Process.Pid)
		_ = os.Remove(program)
	}
	if _, err := os.Stat(secret); err == nil {
		t.Error("the program did not remove the file: the test shows nothing")
	}
}

// ring asks for one operation through io_uring and waits for its result.
func ring(op uint8, dir int32, path, path2 uintptr, length, flags uint32) (int32, error) {
	var p [120]byte // struct io_uring_params
	r, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return 0, errno
	}
	fd := int(r)
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(p[at:]) }
	const sqAt, cqAt, sqesAt = 0, 0x8000000, 0x10000000
	const shared = unix.MAP_SHARED
	sq, err := unix.Mmap(fd, sqAt, 4096, unix.PROT_READ|unix.PROT_WRITE, shared)
	if err != nil {
		return 0, err
	}
	cq, err := unix.Mmap(fd, cqAt, 4096, unix.PROT_READ|unix.PROT_WRITE, shared)
	if err != nil {
		return 0, err
	}
	sqes, err := unix.Mmap(fd, sqesAt, 4096, unix.PROT_READ|unix.PROT_WRITE, shared)
	if err != nil {
		return 0, err
	}
	sqes[0] = op
	binary.NativeEndian.PutUint32(sqes[4:], uint32(dir))
	binary.NativeEndian.PutUint64(sqes[8:], uint64(path2))
	binary.NativeEndian.PutUint64(sqes[16:], uint64(path))
	binary.NativeEndian.PutUint32(sqes[24:], length)
	binary.NativeEndian.PutUint32(sqes[28:], flags)
	const sqTail, sqArray, cqes = 40 + 4, 40 + 24, 80 + 20
	binary.NativeEndian.PutUint32(sq[u32(sqArray):], 0)
	binary.NativeEndian.PutUint32(sq[u32(sqTail):], 1)
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(fd), 1, 1, 1, 0, 0); errno != 0 {
		return 0, errno
	}
	return int32(binary.NativeEndian.Uint32(cq[u32(cqes)+8:])), nil
}

func init() {
	works["uring"] = func(a []string) error {
		const open, rename, unlink = 18, 35, 36
		for _, one := range []struct {
			op          uint8
			path, path2 uintptr
			length      uint32
		}{
			{open, text(a[0]), 0, 0},
			{rename, text(a[0]), text(a[1]), ^uint32(99)},
			{unlink, text(a[1]), 0, 0},
		} {
			res, err := ring(one.op, -100, one.path, one.path2, one.length, 0)
			if err != nil {
				return err
			}
			if res < 0 {
				return fmt.Errorf("operation %d: %w", one.op, unix.Errno(-res))
			}
		}
		return nil
	}
}

func init() {
	works["uring-connect"] = func([]string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		const connect = 16
		address := []byte{2, 0, 0, 9, 127, 4, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0}
		pinner.Pin(&address[0])
		res, err := ring(connect, int32(fd), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)), 0, 0)
		if err != nil {
			return err
		}
		return expectError(unix.Errno(-res), unix.ECONNREFUSED)
	}
}

func TestWhatIsAskedForThroughIOUringIsSeen(t *testing.T) {
	dir := t.TempDir()
	secret, moved := filepath.Join(dir, "secret.txt"), filepath.Join(dir, "moved.txt")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(t, `
		opened: open.file.path == "`+secret+`" && event.async
		renamed: rename.file.path == "`+secret+`" && rename.file.destination.path == "`+moved+`"
		gone: unlink.file.path == "`+moved+`"
		connected: connect.addr.ip == 127.4.3.3 && connect.addr.port == 9 && connect.protocol == IP_PROTO_TCP && event.async
	`)
	for _, h := range w.agent.probe.Hooks() {
		if h.Name == "on_uring" && !h.Attached {
			t.Skipf("needs root or another kernel: %s", h.Reason)
		}
	}
	if err := call(unix.SYS_IO_URING_SETUP, 0, 0); errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		t.Skipf("needs root or another kernel: no io_uring: %v", err)
	}
	pid := do(t, "uring", secret, moved)
	for _, rule := range []string{"opened", "renamed", "gone"} {
		w.one(rule, pid)
	}
	pid = do(t, "uring-connect")
	w.one("connected", pid)
}

func init() {
	// A thread removes a file whose name another one changes all the time.
	works["race"] = func(a []string) error {
		const times = 300
		for i := range times {
			real := fmt.Sprintf("%s/a%04d", a[0], i)
			if err := os.WriteFile(real, nil, 0o600); err != nil {
				return err
			}
			name := append([]byte(real), 0)
			at := len(name) - 6
			pinner.Pin(&name[0])
			var stop atomic.Bool
			flipped := make(chan struct{})
			go func() {
				for !stop.Load() {
					name[at] ^= 'a' ^ 'b' // b0001 does not exist
				}
				close(flipped)
			}()
			for call(unix.SYS_UNLINKAT, here, uintptr(unsafe.Pointer(&name[0])), 0) != nil {
				runtime.Gosched()
			}
			stop.Store(true)
			<-flipped
		}
		return nil
	}
}

func TestNamesThatChangeBetweenCheckAndUseAreSeen(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, `gone: unlink.file.path =~ "`+dir+`/*" && unlink.retval == 0`)
	for _, h := range w.agent.probe.Hooks() {
		if h.Name == "lsm_unlink" && !h.Attached {
			if os.Getenv("REQUIRE_BPF_LSM") != "" {
				t.Fatalf("REQUIRE_BPF_LSM is set: %s", h.Reason)
			}
			t.Skipf("needs root or another kernel: only LSM hooks see the name that the kernel used: %s", h.Reason)
		}
	}
	pid := do(t, "race", dir)
	w.stop()
	seen := map[string]bool{}
	wrong := 0
	for _, m := range w.of("gone", pid) {
		if m.event.File.Name[0] != 'a' || m.event.File.Inode == 0 {
			wrong++
		}
		seen[m.event.File.Name] = true
	}
	if wrong > 0 || len(seen) != 300 {
		t.Errorf("%d of 300 files were seen to go, %d events have another name or no inode", len(seen), wrong)
	}
}
