package evidence

import (
	"bufio"
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// mapping is a stretch of a process's memory.
type mapping struct {
	start, end, offset uint64
	flags              elf.ProgFlag
	path               string
	used               uint64 // bytes that are there: in memory, or swapped out
	own                uint64 // bytes of these that are the process's own: not as they are in a file
	take               uint64 // bytes from its start that are written
}

func (m *mapping) size() uint64 { return m.end - m.start }

// core is a file in the form that debuggers read: ELF, type CORE, with the memory and
// the names of the files that are mapped. It has no registers.
type core struct {
	memory     *os.File
	mappings   []mapping
	auxv       []byte
	taken      int64 // bytes of memory in it
	left       int64 // bytes that are there and that are not in it
	unreadable int64 // bytes that are zero in it because they could not be read
}

// coreOf reads how the memory of a process is laid out, and chooses at most so many bytes
// of it: first what is the process's own (heap, stacks, what it made executable), the
// smaller the sooner, so that one huge mapping does not keep out all others.
func coreOf(p *living, most int64) (*core, error) {
	text, err := p.read("smaps")
	if err != nil {
		return nil, err
	}
	mappings, err := readMappings(text)
	if err != nil {
		return nil, err
	}
	if len(mappings) == 0 {
		return nil, ErrEnded // or a thread of the kernel
	}
	c := &core{mappings: mappings}
	if c.auxv, err = p.read("auxv"); err != nil {
		return nil, err
	}
	if c.memory, err = p.open("mem", os.O_RDONLY); err != nil {
		return nil, err
	}
	c.choose(uint64(most))
	return c, nil
}

// readMappings reads /proc/PID/smaps.
func readMappings(text []byte) ([]mapping, error) {
	var out []mapping
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if name, isValue := strings.CutSuffix(fields[0], ":"); isValue {
			if len(out) > 0 && len(fields) > 1 {
				out[len(out)-1].set(name, fields[1])
			}
			continue
		}
		m, err := readMapping(line)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, lines.Err()
}

// readMapping reads a line such as 7f00-7f10 r-xp 00001000 08:01 42  /usr/bin/cat.
func readMapping(line string) (mapping, error) {
	var m mapping
	var rights, device string
	var inode uint64
	if _, err := fmt.Sscanf(line, "%x-%x %4s %x %s %d", &m.start, &m.end, &rights, &m.offset, &device, &inode); err != nil || m.end < m.start || len(rights) < len("rwx") {
		return m, fmt.Errorf("a line of smaps is not understood: %q", line)
	}
	for i, flag := range []elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X} {
		if rights[i] != '-' {
			m.flags |= flag
		}
	}
	const before = 5 // fields, and one or more spaces after each
	rest := line
	for range before {
		_, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	m.path = strings.TrimLeft(rest, " ")
	return m, nil
}

func (m *mapping) set(name, kib string) {
	n, err := strconv.ParseUint(kib, 10, 64)
	if err != nil {
		return
	}
	const kibi = 1 << 10
	switch name {
	case "Rss":
		m.used += n * kibi
	case "Swap":
		m.used += n * kibi
		m.own += n * kibi
	case "Anonymous":
		m.own += n * kibi
	}
}

// mayBeRead reports whether reading the mapping is reading memory: not a device, and not
// what the kernel has there for itself.
func (m *mapping) mayBeRead() bool {
	switch {
	case m.path == "[vvar]" || m.path == "[vvar_vclock]" || m.path == "[vsyscall]":
		return false
	case strings.HasPrefix(m.path, "/dev/"):
		return strings.HasPrefix(m.path, "/dev/shm/") || strings.HasPrefix(m.path, "/dev/zero")
	}
	return m.used > 0
}

// choose decides how much of each mapping is taken.
func (c *core) choose(most uint64) {
	order := make([]*mapping, len(c.mappings))
	for i := range c.mappings {
		order[i] = &c.mappings[i]
	}
	slices.SortStableFunc(order, func(x, y *mapping) int {
		return cmp.Or(-cmp.Compare(min(x.own, 1), min(y.own, 1)), cmp.Compare(x.size(), y.size()))
	})
	const page = 4096
	for _, m := range order {
		if !m.mayBeRead() {
			continue
		}
		m.take = min(m.size(), most/page*page)
		most -= m.take
		c.taken += int64(m.take)
		c.left += int64(m.used - min(m.used, m.take))
	}
	c.fewEnough()
}

// maxMappings is how many the form can have, less what else is in it.
const maxMappings = 1<<16 - 16

// fewEnough leaves out mappings of which nothing is taken, and then the last ones, where a
// process has more than the form allows.
func (c *core) fewEnough() {
	if len(c.mappings) <= maxMappings {
		return
	}
	c.mappings = slices.DeleteFunc(c.mappings, func(m mapping) bool { return m.take == 0 })
	for _, m := range c.mappings[min(len(c.mappings), maxMappings):] {
		c.taken -= int64(m.take)
		c.left += int64(m.take)
	}
	c.mappings = c.mappings[:min(len(c.mappings), maxMappings)]
}

// write writes the file.
func (c *core) write(to io.Writer) error {
	notes := slices.Concat(note("CORE", elf.NType(noteAuxv), c.auxv), note("CORE", elf.NType(noteFile), c.files()))
	head := binary.Size(elf.Header64{})
	programs := make([]elf.Prog64, 0, len(c.mappings)+1)
	at := uint64(head + (len(c.mappings)+1)*binary.Size(elf.Prog64{}))
	programs = append(programs, elf.Prog64{Type: uint32(elf.PT_NOTE), Off: at, Filesz: uint64(len(notes)), Align: 4})
	const page = 4096
	first := (at + uint64(len(notes)) + page - 1) / page * page
	padding := make([]byte, first-at-uint64(len(notes)))
	at = first
	for _, m := range c.mappings {
		programs = append(programs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(m.flags), Off: at, Vaddr: m.start, Filesz: m.take, Memsz: m.size(), Align: page,
		})
		at += m.take
	}
	var out bytes.Buffer
	for _, part := range []any{header(len(programs)), programs, notes, padding} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if _, err := to.Write(out.Bytes()); err != nil {
		return err
	}
	for _, m := range c.mappings {
		if err := c.writeMapping(to, m); err != nil {
			return err
		}
	}
	return nil
}

// writeMapping writes what is taken of a mapping. Pages that can't be read are zero.
func (c *core) writeMapping(to io.Writer, m mapping) error {
	const page = 4096
	buffer := make([]byte, chunk)
	for done := uint64(0); done < m.take; {
		part := buffer[:min(chunk, m.take-done)]
		n, err := c.memory.ReadAt(part, int64(m.start+done))
		if err != nil && n == 0 {
			part = part[:min(page, len(part))]
			clear(part)
			c.unreadable += int64(len(part))
			n = len(part)
		}
		if _, err := to.Write(part[:n]); err != nil {
			return err
		}
		done += uint64(n)
	}
	return nil
}

func header(programs int) elf.Header64 {
	machine := elf.EM_X86_64
	if runtime.GOARCH == "arm64" {
		machine = elf.EM_AARCH64
	}
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Phoff: uint64(binary.Size(elf.Header64{})),
		Ehsize: uint16(binary.Size(elf.Header64{})), Phentsize: uint16(binary.Size(elf.Prog64{})), Phnum: uint16(programs),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	return h
}

// Types of notes, as core(5) and the kernel's elf.h have them.
const (
	noteAuxv = 6
	noteFile = 0x46494c45
)

// note is a note as it stands in the file: padded to four bytes.
func note(name string, kind elf.NType, text []byte) []byte {
	pad := func(b []byte) []byte { return append(b, make([]byte, (4-len(b)%4)%4)...) }
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(name)+1))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	out = binary.LittleEndian.AppendUint32(out, uint32(kind))
	out = append(out, pad(append([]byte(name), 0))...)
	return append(out, pad(slices.Clone(text))...)
}

// files is the note of which files are mapped where: their number, the size of a page,
// then start, end and offset in pages of each, then their names.
func (c *core) files() []byte {
	const page = 4096
	var places, names []byte
	number := uint64(0)
	for _, m := range c.mappings {
		if !strings.HasPrefix(m.path, "/") {
			continue
		}
		number++
		for _, v := range []uint64{m.start, m.end, m.offset / page} {
			places = binary.LittleEndian.AppendUint64(places, v)
		}
		names = append(append(names, m.path...), 0)
	}
	out := binary.LittleEndian.AppendUint64(nil, number)
	out = binary.LittleEndian.AppendUint64(out, page)
	return slices.Concat(out, places, names)
}
