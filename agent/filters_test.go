package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() {
	// Opens every file of a folder, again and again, until there were so many opens.
	works["read-folder"] = func(a []string) error {
		for range 200 {
			list, err := os.ReadDir(a[0])
			if err != nil {
				return err
			}
			for _, f := range list {
				fd, err := unix.Open(filepath.Join(a[0], f.Name()), unix.O_RDONLY, 0)
				if err != nil {
					return err
				}
				unix.Close(fd)
			}
		}
		return nil
	}
	works["anonymous"] = func([]string) error {
		for range 1000 {
			b, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
			if err != nil {
				return err
			}
			if err := unix.Munmap(b); err != nil {
				return err
			}
		}
		return nil
	}
}

func init() {
	// Sets an option that nobody asks for, and then one that somebody does, with
	// bits that the kernel does not look at.
	works["options"] = func([]string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		for range 1000 {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
				return err
			}
		}
		one := int32(1)
		pinner.Pin(&one)
		return call(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MARK|1<<40, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
	}
}

func TestOptionsThatNobodyAsksForStayInTheKernel(t *testing.T) {
	w := watch(t, `marked: setsockopt.optname == 36 && setsockopt.level == SOL_SOCKET`)
	w.one("marked", do(t, "options"))
	w.stop()
	w.adds()
	if s := w.last.Events["setsockopt"]; s.Filtered < 1000 {
		t.Errorf("setsockopt events: %+v", s)
	}
}

// TestAFolderThatIsHeldBackIsSeenUnderAnotherName holds that what the kernel was
// told about a folder ends when the folder may have another path.
func TestAFolderThatIsHeldBackIsSeenUnderAnotherName(t *testing.T) {
	dir := t.TempDir()
	dull, watchedFolder := filepath.Join(dir, "dull"), filepath.Join(dir, "cron.d")
	if err := os.Mkdir(dull, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := os.WriteFile(filepath.Join(dull, fmt.Sprint("job", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A pattern has no name to approve by: all opens would leave the kernel.
	w := watch(t, `job: open.file.path =~ "`+watchedFolder+`/*"`)
	if s := w.agent.filters.state["open"]; s.Approving || !s.Discards {
		t.Fatalf("opens are filtered by %+v", s)
	}
	held := func() uint64 {
		c, err := w.agent.probe.Counts()
		if err != nil {
			t.Fatal(err)
		}
		return c[4][1]
	}
	before := held()
	for range 1000 {
		do(t, "read-folder", dull)
		if held()-before > 1000 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := held() - before; got <= 1000 {
		t.Errorf("%d opens in a folder where nothing can match were held back", got)
	}
	if err := os.Rename(dull, watchedFolder); err != nil {
		t.Fatal(err)
	}
	pid := do(t, "open", filepath.Join(watchedFolder, "job3"))
	if m := w.one("job", pid); m.event.File.Name != "job3" {
		t.Errorf("the file is %s", m.event.File.Path)
	}
}

func TestMemoryWithoutAFileStaysInTheKernel(t *testing.T) {
	w := watch(t, `exec: mmap.protection & PROT_EXEC > 0 && mmap.file.name == "no-such-file"`)
	do(t, "anonymous")
	w.stop()
	w.adds()
	if m := w.last.Events["mmap"]; m.Filtered < 1000 {
		t.Errorf("mmap events: %+v", m)
	}
}
