package evidence

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// secretOf starts a process that has a text in its memory, and tells where.
func secretOf(t *testing.T, text string) (ch *child, at uint64) {
	t.Helper()
	ch = start(t, "/proc/self/exe", "secret", nil, strings.Split(text, "-")...)
	if _, err := fmt.Sscanf(ch.first, "0x%x\n", &at); err != nil {
		t.Fatalf("%q: %v", ch.first, err)
	}
	return ch, at
}

// memoryIn reads what a core has at an address.
func memoryIn(t *testing.T, name string, at uint64, size int) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var core io.ReaderAt = file // of which little is read: it is a hundred megabytes
	if strings.HasSuffix(name, compressed) {
		d, err := zstd.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		whole := bytes.NewBuffer(make([]byte, 0, 256<<20))
		if _, err := d.WriteTo(whole); err != nil {
			t.Fatal(err)
		}
		core = bytes.NewReader(whole.Bytes())
	}
	f, err := elf.NewFile(core)
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_CORE {
		t.Errorf("it is a %s", f.Type)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= at && at+uint64(size) <= p.Vaddr+p.Filesz {
			out := make([]byte, size)
			if _, err := p.ReadAt(out, int64(at-p.Vaddr)); err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
	}
	return ""
}

// TestTheMemoryOfAProcessIsWrittenDown holds that what a process has in its memory is in
// the core, at its address; that nobody but root can read it; and that the process goes on.
func TestTheMemoryOfAProcessIsWrittenDown(t *testing.T) {
	needRoot(t)
	dir := filepath.Join(t.TempDir(), "state", "coredumps")
	c := collector(t, Config{Dir: dir})
	for name, w := range map[string]Want{"compressed": {}, "plain": {Plain: true}, "while it stands still": {Hold: true}} {
		t.Run(name, func(t *testing.T) {
			const secret = "the-key-of-the-operator"
			ch, at := secretOf(t, secret)
			w.PID, w.Start, w.Rule = uint32(ch.Process.Pid), ch.process.Key, "a_rule"
			d, err := c.dumps.write(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if got := memoryIn(t, d.Path, at, len(secret)); got != secret {
				t.Errorf("at %x there is %q", at, got)
			}
			file, err := os.Stat(d.Path)
			if err != nil || file.Mode() != 0o600 || file.Size() != d.Size || d.Memory == 0 || !strings.Contains(d.Path, "a_rule") || d.Held != w.Hold {
				t.Errorf("%+v, %v: %+v", d, err, file)
			}
			if folder, err := os.Stat(dir); err != nil || folder.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v", folder, err)
			}
			_ = ch.in.Close()
			if rest, err := io.ReadAll(ch.rest); err != nil || !strings.HasPrefix(string(rest), secret) {
				t.Errorf("afterwards it said %q, %v", rest, err)
			}
		})
	}
}

// TestAProtectedProcessIsNotStoppedForItsMemory holds that who may not be killed is not
// stopped either; what is in its memory is written all the same.
func TestAProtectedProcessIsNotStoppedForItsMemory(t *testing.T) {
	needRoot(t)
	ch := start(t, "/proc/self/exe", "wait", nil)
	for _, may := range []bool{true, false} {
		asked := 0
		c := collector(t, Config{Dir: t.TempDir(), MayStop: func(pid int) bool { asked = pid; return may }})
		d, err := c.dumps.write(t.Context(), Want{PID: uint32(ch.Process.Pid), Start: ch.process.Key, Hold: true})
		if err != nil || d.Held != may || asked != ch.Process.Pid {
			t.Errorf("may be stopped: %v: %+v, %v, asked about %d", may, d, err, asked)
		}
	}
}

// TestTheMemoryOfALaterProcessIsNotWritten holds that a process is told by its start.
func TestTheMemoryOfALaterProcessIsNotWritten(t *testing.T) {
	c := collector(t, Config{Dir: t.TempDir()})
	ch := start(t, "/proc/self/exe", "wait", nil)
	const second = 1_000_000_000
	for name, w := range map[string]Want{
		"an earlier one": {PID: uint32(ch.Process.Pid), Start: ch.process.Key - second},
		"nobody":         {PID: 1 << 30, Start: ch.process.Key},
	} {
		if d, err := c.dumps.write(t.Context(), w); !errors.Is(err, ErrEnded) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	nowhere := collector(t, Config{})
	if d, err := nowhere.dumps.write(t.Context(), Want{PID: uint32(ch.Process.Pid), Start: ch.process.Key}); !errors.Is(err, errNoFolder) {
		t.Errorf("without a folder: %+v, %v", d, err)
	}
}

// TestDumpsAreBounded holds the limits of one process's memory, of the folder and of
// their number, and that nothing half written stays.
func TestDumpsAreBounded(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x"+plain+unfinished), "of an agent that was ended")
	ch := start(t, "/proc/self/exe", "wait", nil)
	w := Want{PID: uint32(ch.Process.Pid), Start: ch.process.Key, Plain: true}
	const memory = 64 << 10
	c := collector(t, Config{Dir: dir, Limits: Limits{Memory: memory, DumpsHourly: 1}})
	d, err := c.dumps.write(t.Context(), w)
	if err != nil || d.Memory > memory || d.Memory == 0 || d.Left == 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := c.dumps.write(t.Context(), w); !errors.Is(err, ErrTooOften) {
		t.Errorf("a second one in the hour: %+v, %v", d, err)
	}
	for _, total := range []int64{d.Size + 8192, d.Size} { // too little for another, and nothing
		full := collector(t, Config{Dir: dir, Limits: Limits{DumpTotal: total}})
		if d, err := full.dumps.write(t.Context(), w); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a folder of at most %d bytes: %+v, %v", total, d, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || filepath.Join(dir, files[0].Name()) != d.Path {
		t.Errorf("%v, %v", files, err)
	}
}

// FuzzMappings holds that no list of mappings makes a core that is no ELF file, or takes
// more memory than it may.
func FuzzMappings(f *testing.F) {
	f.Add([]byte("7f00-8f00 r-xp 00001000 08:01 42                 /usr/bin/cat\nRss:   4 kB\nAnonymous: 4 kB\n"), int64(1<<20))
	f.Add([]byte("0-1000 rw-p 0 0:0 0 [heap]\nRss: 999999999 kB\n"), int64(0))
	f.Fuzz(func(t *testing.T, smaps []byte, most int64) {
		const enough = 1 << 20
		mappings, err := readMappings(smaps)
		if err != nil || most < 0 || most > enough {
			return
		}
		nothing, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer nothing.Close()
		c := &core{memory: nothing, mappings: mappings}
		if c.choose(uint64(most)); c.taken > most {
			t.Fatalf("%d bytes of at most %d", c.taken, most)
		}
		var out bytes.Buffer
		if err := c.write(&out); err != nil {
			t.Fatal(err)
		}
		if e, err := elf.NewFile(bytes.NewReader(out.Bytes())); err != nil || len(e.Progs) != len(mappings)+1 {
			t.Fatalf("%d mappings: %v", len(mappings), err)
		}
	})
}
