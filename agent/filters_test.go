package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

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
	for range 100 {
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
