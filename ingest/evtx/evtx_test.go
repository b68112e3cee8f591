package evtx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/testenv"
)

// read are the events of a log as compact JSON, and what was passed over.
func read(t testing.TB, log []byte) (events []string, damage []string, err error) {
	t.Helper()
	err = Each(bytes.NewReader(log), func(r Record) error {
		if !json.Valid(r.JSON) {
			t.Fatalf("record %d is no JSON: %s", r.ID, r.JSON)
		}
		events = append(events, string(r.JSON))
		return nil
	}, func(d *DamageError) error {
		damage = append(damage, d.Error())
		return nil
	})
	return events, damage, err
}

// TestLogsAreTheirJSON reads every log that has its JSON beside it, and compares
// them member by member, in their order: logs that were written for this (logs_test.go),
// and such as Windows wrote.
func TestLogsAreTheirJSON(t *testing.T) {
	t.Run("written", func(t *testing.T) { logsAreTheirJSON(t, "testdata", 2) })
	t.Run("shared", func(t *testing.T) { logsAreTheirJSON(t, testenv.Shared(t, "data/evtx"), 30) })
}

func logsAreTheirJSON(t *testing.T, pairs string, atLeast int) {
	logs, err := filepath.Glob(pairs + "/*.evtx")
	if err != nil || len(logs) < atLeast {
		t.Fatalf("%d logs in %s, want %d (%v)", len(logs), pairs, atLeast, err)
	}
	for _, path := range logs {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, damage, err := read(t, log)
		if err != nil || len(damage) > 0 {
			t.Errorf("%s: %v %q", filepath.Base(path), err, damage)
		}
		text, err := os.ReadFile(path[:len(path)-len(".evtx")] + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(documents(t, text), got); diff != "" {
			t.Errorf("%s:\n%s", filepath.Base(path), diff)
		}
	}
}

// documents are JSON documents one after the other, each compact.
func documents(t *testing.T, text []byte) (out []string) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, one); err != nil {
			t.Fatal(err)
		}
		out = append(out, b.String())
	}
	return out
}

func bytesOf(n uint64, size int) []byte {
	return binary.LittleEndian.AppendUint64(nil, n)[:size]
}

// TestEveryTypeOfValueHasItsForm puts each into an element and an attribute.
func TestEveryTypeOfValueHasItsForm(t *testing.T) {
	guid := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	sid := append([]byte{1, 2, 0, 0, 0, 0, 0, 5}, append(bytesOf(32, 4), bytesOf(544, 4)...)...)
	system := []byte{0xe7, 7, 11, 0, 2, 0, 14, 0, 22, 0, 13, 0, 20, 0, 123, 0}
	for _, c := range []struct {
		kind byte
		raw  []byte
		want string
	}{
		{typeNull, nil, `null`},
		{typeString, wide("a\"b\\c\n\x01 ü😀 \t "), `"a\"b\\c\n\u0001 ü😀"`},
		{typeString, nil, `""`},
		{typeString, wide("a\x00rest"), `"a"`},
		{typeString, []byte{0x3d, 0xd8, 'x', 0}, "\"\uFFFDx\""},
		{typeANSI, []byte("caf\xe9\x00"), `"café"`},
		{typeInt8, []byte{0xff}, `-1`}, {typeUint8, []byte{0xff}, `255`},
		{typeInt16, bytesOf(0xfffe, 2), `-2`}, {typeUint16, bytesOf(0xfffe, 2), `65534`},
		{typeInt32, bytesOf(0xfffffffd, 4), `-3`}, {typeUint32, bytesOf(0xfffffffd, 4), `4294967293`},
		{typeInt64, bytesOf(math.MaxUint64, 8), `-1`}, {typeUint64, bytesOf(math.MaxUint64, 8), `18446744073709551615`},
		{typeReal32, bytesOf(uint64(math.Float32bits(1.1)), 4), `1.1`}, {typeReal64, bytesOf(math.Float64bits(-2.5e300), 8), `-2.5e+300`},
		{typeReal64, bytesOf(math.Float64bits(math.NaN()), 8), `"NaN"`},
		{typeBool, bytesOf(1, 4), `true`}, {typeBool, bytesOf(0, 4), `false`},
		{typeBinary, []byte{0xde, 0xad}, `"DEAD"`},
		{typeGUID, guid, `"04030201-0605-0807-090A-0B0C0D0E0F10"`},
		{typeSize, bytesOf(255, 8), `"0xff"`}, {typeSize, bytesOf(255, 4), `"0xff"`},
		{typeHexInt32, bytesOf(0x3b5cb2, 4), `"0x3b5cb2"`}, {typeHexInt64, bytesOf(1<<63, 8), `"0x8000000000000000"`},
		{typeFileTime, bytesOf(133444736001234567, 8), `"2023-11-14T22:13:20.123456Z"`},
		{typeSystemTime, system, `"2023-11-14T22:13:20.123000Z"`},
		{typeSID, sid, `"S-1-5-32-544"`}, {typeSID, sid[:9], `"01020000000000052000"[:18]`},
		{typeHandle, []byte{1}, `"01"`}, {typeXML, wide("<a/>"), `"<a/>"`},
		{typeArray | typeString, wide("a\x00\x00bc\x00"), `["a","","bc"]`},
		{typeArray | typeUint16, []byte{1, 0, 2, 0}, `[1,2]`},
		{typeArray | typeANSI, []byte("a\x00b\x00"), `["a","b"]`},
		{typeArray | typeSID, append(bytes.Clone(sid), sid...), `["S-1-5-32-544","S-1-5-32-544"]`},
		{typeArray | typeGUID, guid, `["04030201-0605-0807-090A-0B0C0D0E0F10"]`},
		{typeArray | typeBinary, []byte{1}, `["01"]`},
	} {
		if strings.HasSuffix(c.want, "[:18]") {
			c.want = `"010200000000000520"`
		}
		b := newBuilder()
		b.beginRecord()
		b.instance(func() {
			b.open(true, "E", func() { b.u8(tokenAttribute).name("A").substitution(0) }).u8(tokenCloseStart)
			b.open(true, "V").u8(tokenCloseStart).substitution(0).u8(tokenEndElement)
			b.u8(tokenEndElement)
		}, value{kind: c.kind, raw: c.raw})
		b.endRecord()
		want := `{"E":{"#attributes":{"A":` + c.want + `},"V":` + c.want + `}}`
		if c.kind == typeNull {
			want = `{"E":{"V":null}}`
		}
		got, damage, err := read(t, file(false, b.chunk()))
		if diff := cmp.Diff([]string{want}, got); err != nil || len(damage) > 0 || diff != "" {
			t.Errorf("type %#02x of % x: %v %q\n%s", c.kind, c.raw, err, damage, diff)
		}
	}
}

// TestShapesOfEvents has what stands around values.
func TestShapesOfEvents(t *testing.T) {
	text := func(s string) value { return value{kind: typeString, raw: wide(s)} }
	for name, c := range map[string]struct {
		write func(b *builder)
		want  string
	}{
		"data by name, twice, and without": {func(b *builder) {
			b.instance(func() {
				b.open(true, "EventData").u8(tokenCloseStart)
				for i, n := range []string{"a", "b", "a", "a"} {
					b.open(true, "Data", b.attribute("Name", n)).u8(tokenCloseStart).substitution(i).u8(tokenEndElement)
				}
				b.open(true, "Data").u8(tokenCloseStart).substitution(9).u8(tokenEndElement).u8(tokenEndElement)
			}, text("1"), text("2"), text("3"), text("4"))
		}, `{"EventData":{"a":"4","b":"2","a_1":"1","a_2":"3","Data":{"#text":null}}}`},
		"data without names": {func(b *builder) {
			b.instance(func() {
				b.open(true, "EventData").u8(tokenCloseStart)
				for i := range 2 {
					b.open(true, "Data").u8(tokenCloseStart).substitution(i).u8(tokenEndElement)
				}
				b.open(true, "Binary").u8(tokenCloseEmpty).u8(tokenEndElement)
			}, text("x"), value{kind: typeUint8, raw: []byte{7}})
		}, `{"EventData":{"Data":{"#text":["x",7]},"Binary":null}}`},
		"attributes and text": {func(b *builder) {
			b.instance(func() {
				b.open(true, "EventID", b.attribute("Qualifiers", "1")).u8(tokenCloseStart).substitution(0).u8(tokenEndElement)
			}, value{kind: typeUint16, raw: []byte{5, 0}})
		}, `{"EventID":{"#attributes":{"Qualifiers":"1"},"#text":5}}`},
		"a value that is XML, with a template of its own": {func(b *builder) {
			b.instance(func() {
				b.open(true, "UserData").u8(tokenCloseStart).substitution(0).u8(tokenEndElement)
			}, value{kind: typeBinXML, raw: nil})
			// The value stands where its size says: written behind, then sized.
			at := len(b.block)
			b.u8(tokenFragment, 1, 1, 0).instance(func() {
				b.open(true, "X").u8(tokenCloseStart).substitution(0).u8(tokenEndElement)
			}, text("in")).u8(tokenEnd)
			binary.LittleEndian.PutUint16(b.block[at-4:], uint16(len(b.block)-at))
		}, `{"UserData":{"X":"in"}}`},
		"a value that is XML without a template": {func(b *builder) {
			b.instance(func() {
				b.open(true, "UserData").u8(tokenCloseStart).substitution(0).u8(tokenEndElement)
			}, value{kind: typeBinXML, raw: nil})
			at := len(b.block)
			b.u8(tokenFragment, 1, 1, 0).open(false, "Y", b.attribute("k", "v")).u8(tokenCloseStart, tokenValue, typeString).text("in").u8(tokenEndElement, tokenEnd)
			binary.LittleEndian.PutUint16(b.block[at-4:], uint16(len(b.block)-at))
		}, `{"UserData":{"Y":{"#attributes":{"k":"v"},"#text":"in"}}}`},
		"text of several pieces": {func(b *builder) {
			b.open(true, "E").u8(tokenCloseStart, tokenValue|tokenMore, typeString).text("a ")
			b.u8(tokenEntity).name("lt").u8(tokenCharacter).u16(66).u8(tokenCDATA).text("]&").u8(tokenPITarget).name("t").u8(tokenPIData).text("d").u8(tokenEndElement)
		}, `{"E":"a <B]&"}`},
	} {
		b := newBuilder()
		b.beginRecord()
		c.write(b)
		b.endRecord()
		got, damage, err := read(t, file(false, b.chunk()))
		if diff := cmp.Diff([]string{c.want}, got); err != nil || len(damage) > 0 || diff != "" {
			t.Errorf("%s: %v %q\n%s", name, err, damage, diff)
		}
	}
}

// TestDamageIsToldAndTheRestIsRead breaks a log of three chunks.
func TestDamageIsToldAndTheRestIsRead(t *testing.T) {
	const first = 4096
	for name, c := range map[string]struct {
		dirty  bool
		damage func(log []byte) []byte
		want   string
		told   []string
	}{
		"whole":                        {false, func(l []byte) []byte { return l }, "abcdef", nil},
		"a record's byte":              {false, func(l []byte) []byte { l[first+chunkSize+600] ^= 1; return l }, "abef", []string{"chunk 1, byte 69632: the records of the chunk do not have their checksum; they (about 2)"}},
		"a chunk's head":               {false, func(l []byte) []byte { l[first+chunkSize+200] ^= 1; return l }, "abef", []string{"chunk 1, byte 69632: the head of the chunk"}},
		"a chunk's magic":              {false, func(l []byte) []byte { l[first+chunkSize] = 'x'; return l }, "abef", []string{"chunk 1, byte 69632: no chunk of a log begins here"}},
		"room that is not used":        {false, func(l []byte) []byte { clear(l[first+chunkSize : first+2*chunkSize]); return l }, "abef", nil},
		"the file's head":              {false, func(l []byte) []byte { l[100] ^= 1; return l }, "abcdef", []string{"the head of the file"}},
		"cut within a chunk":           {false, func(l []byte) []byte { return l[:first+2*chunkSize+800] }, "abcdef", []string{"chunk 2, byte 135968: the file ends within the chunk"}},
		"cut between chunks":           {false, func(l []byte) []byte { return l[:first+2*chunkSize] }, "abcd", []string{"chunk 2, byte 135168: the file ends after 2 of 3 chunks"}},
		"cut behind the head":          {false, func(l []byte) []byte { return l[:first] }, "", []string{"chunk 0, byte 4096: the file ends after 0 of 3 chunks"}},
		"not closed, a count not up":   {true, func(l []byte) []byte { return l[:first+2*chunkSize] }, "abcd", nil},
		"cut within a record":          {false, func(l []byte) []byte { return l[:first+2*chunkSize+606] }, "abcde", []string{"chunk 2, byte", "chunk 2, byte 135774: the file ends"}},
		"not closed, heads not up":     {true, func(l []byte) []byte { l[first+48] = 0; l[first+49] = 2; return l }, "abcdef", nil},
		"not closed, sums not up":      {true, func(l []byte) []byte { l[first+52]++; return l }, "abcdef", nil},
		"not closed, a record half up": {true, func(l []byte) []byte { l[first+52]++; clear(l[first+600 : first+640]); return l }, "acdef", []string{"chunk 0, byte 4672: no whole record"}},
		"a token that is none":         {true, func(l []byte) []byte { l[first+52]++; l[first+540] = 0x33; return l }, "bcdef", []string{"chunk 0, byte 4608: record 1 is skipped: unknown token 0x33"}},
	} {
		log := file(c.dirty, simple("a", "b").chunk(), simple("c", "d").chunk(), simple("e", "f").chunk())
		got, damage, err := read(t, c.damage(log))
		all := ""
		for _, e := range got {
			all += strings.TrimSuffix(strings.TrimPrefix(e, `{"E":"`), `"}`)
		}
		if err != nil || all != c.want || len(damage) != len(c.told) {
			t.Errorf("%s: %v, read %s, want %s; told %q", name, err, all, c.want, damage)
			continue
		}
		for i, want := range c.told {
			if !strings.HasPrefix(damage[i], want) {
				t.Errorf("%s: told %q, want %q", name, damage[i], want)
			}
		}
	}
	if _, _, err := read(t, []byte("ElfFile\x00cut")); err == nil {
		t.Error("a head that is cut off is no error")
	}
	for _, stop := range []func() error{
		func() error {
			return Each(bytes.NewReader(file(false, simple("a").chunk())), func(Record) error { return errStop }, nil)
		},
		func() error {
			return Each(bytes.NewReader(file(false, make([]byte, 100), []byte("x"))), nil, func(*DamageError) error { return errStop })
		},
	} {
		if err := stop(); !errors.Is(err, errStop) {
			t.Errorf("the error of a caller became %v", err)
		}
	}
}

// TestARecordThatUnfoldsIsBounded has few bytes that say the same many times.
func TestARecordThatUnfoldsIsBounded(t *testing.T) {
	b := newBuilder()
	b.beginRecord()
	b.instance(func() {
		b.open(true, "E").u8(tokenCloseStart)
		for range 9000 {
			b.substitution(0)
		}
		b.u8(tokenEndElement)
	}, value{kind: typeString, raw: wide(strings.Repeat("x", 9000))})
	b.endRecord()
	got, damage, err := read(t, file(false, b.chunk()))
	if err != nil || len(got) != 0 || len(damage) != 1 || !strings.Contains(damage[0], errTooMuch.Error()) {
		t.Errorf("%v, %d events, told %q", err, len(got), damage)
	}
	b = newBuilder()
	b.beginRecord()
	at := len(b.block)
	b.u8(tokenTemplate, 1).u32(7).u32(at + 10).u32(0).u8(make([]byte, 16)...)
	b.sized(func() { b.u8(tokenTemplate, 1).u32(7).u32(at + 10).u32(0).u8(tokenEnd) }).u32(0)
	b.endRecord()
	if got, damage, err := read(t, file(false, b.chunk())); err != nil || len(got) != 0 || len(damage) != 1 || !strings.Contains(damage[0], errCycle.Error()) {
		t.Errorf("a template that holds itself: %v %q %q", err, got, damage)
	}
}

// FuzzEach reads records of any bytes, in a log that was not closed, so that no
// checksum keeps them out.
func FuzzEach(f *testing.F) {
	f.Add(simple("a", "b").block[chunkHeader:])
	logs, _ := filepath.Glob("testdata/*.evtx")
	more, _ := filepath.Glob("../../../shared/data/evtx/*.evtx") // seeds, where they are
	logs = append(logs, more...)
	for _, path := range logs {
		if log, err := os.ReadFile(path); err == nil {
			f.Add(bytes.TrimRight(log[4096+chunkHeader:4096+chunkSize], "\x00"))
		}
	}
	f.Fuzz(func(t *testing.T, records []byte) {
		b := newBuilder()
		b.u8(records[:min(len(records), chunkSize-chunkHeader)]...)
		block := b.chunk()
		block[52]++
		n := 0
		err := Each(bytes.NewReader(file(true, block)), func(r Record) error {
			n++
			if !json.Valid(r.JSON) || r.JSON[0] != '{' {
				t.Fatalf("no JSON: %s", r.JSON)
			}
			return nil
		}, func(d *DamageError) error {
			if d.Detail == "" {
				t.Fatal("damage without words")
			}
			return nil
		})
		if err != nil || n > chunkSize/recordHead {
			t.Fatalf("%d records, %v", n, err)
		}
	})
}

var errStop = errors.New("stop")
