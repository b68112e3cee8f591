package evtx

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// builder writes a log for tests: what Windows writes, as far as tests want it.
type builder struct {
	block []byte // of the chunk, up to what is written
	from  int    // of the record
	id    uint64
}

func newBuilder() *builder { return &builder{block: make([]byte, chunkHeader)} }

func (b *builder) u8(n ...byte) *builder { b.block = append(b.block, n...); return b }
func (b *builder) u16(n int) *builder {
	b.block = binary.LittleEndian.AppendUint16(b.block, uint16(n))
	return b
}
func (b *builder) u32(n int) *builder {
	b.block = binary.LittleEndian.AppendUint32(b.block, uint32(n))
	return b
}
func (b *builder) u64(n uint64) *builder {
	b.block = binary.LittleEndian.AppendUint64(b.block, n)
	return b
}

func wide(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func (b *builder) text(s string) *builder { return b.u16(len(wide(s)) / 2).u8(wide(s)...) }

// name writes a name where it stands.
func (b *builder) name(s string) *builder {
	return b.u32(len(b.block) + 4).u32(0).u16(0).text(s).u16(0)
}

// sized writes the size of what follows in front of it.
func (b *builder) sized(write func()) *builder {
	at := len(b.block)
	b.u32(0)
	write()
	binary.LittleEndian.PutUint32(b.block[at:], uint32(len(b.block)-at-4))
	return b
}

// open begins an element; attributes are pairs of name and what writes the value.
func (b *builder) open(identified bool, name string, attributes ...func()) *builder {
	if len(attributes) > 0 {
		b.u8(tokenElement | tokenMore)
	} else {
		b.u8(tokenElement)
	}
	if identified {
		b.u16(0xffff)
	}
	b.u32(0).name(name)
	if len(attributes) > 0 {
		b.sized(func() {
			for _, a := range attributes {
				a()
			}
		})
	}
	return b
}

func (b *builder) attribute(name, value string) func() {
	return func() { b.u8(tokenAttribute).name(name).u8(tokenValue, typeString).text(value) }
}

func (b *builder) substitution(n int) *builder { return b.u8(tokenOptional).u16(n).u8(typeString) }

func (b *builder) beginRecord() {
	b.id++
	b.from = len(b.block)
	b.u8(recordMagic...).u32(0).u64(b.id).u64(0)
	b.u8(tokenFragment, 1, 1, 0)
}

func (b *builder) endRecord() {
	b.u8(tokenEnd)
	size := len(b.block) - b.from + 4
	b.u32(size)
	binary.LittleEndian.PutUint32(b.block[b.from+4:], uint32(size))
}

// instance writes one that defines its template and has these values.
func (b *builder) instance(define func(), values ...value) *builder {
	b.u8(tokenTemplate, 1).u32(7).u32(len(b.block) + 4).u32(0).u8(make([]byte, 16)...)
	b.sized(func() {
		b.u8(tokenFragment, 1, 1, 0)
		define()
		b.u8(tokenEnd)
	})
	b.u32(len(values))
	for _, v := range values {
		b.u16(len(v.raw)).u8(v.kind, 0)
	}
	for _, v := range values {
		b.u8(v.raw...)
	}
	return b
}

// chunk is the chunk with its checksums.
func (b *builder) chunk() []byte {
	block := make([]byte, chunkSize)
	copy(block, b.block)
	copy(block, chunkMagic)
	le := binary.LittleEndian
	le.PutUint64(block[8:], 1)
	le.PutUint64(block[16:], b.id)
	le.PutUint32(block[40:], 128)
	le.PutUint32(block[48:], uint32(len(b.block)))
	le.PutUint32(block[52:], crc32.ChecksumIEEE(b.block[chunkHeader:]))
	le.PutUint32(block[124:], crc32.Update(crc32.ChecksumIEEE(block[:120]), crc32.IEEETable, block[128:chunkHeader]))
	return block
}

// file is a log of chunks.
func file(dirty bool, chunks ...[]byte) []byte {
	out := make([]byte, 4096)
	copy(out, Magic)
	le := binary.LittleEndian
	le.PutUint32(out[32:], 128)
	le.PutUint16(out[40:], 4096)
	le.PutUint16(out[42:], uint16(len(chunks)))
	if dirty {
		le.PutUint32(out[120:], flagDirty)
	}
	le.PutUint32(out[124:], crc32.ChecksumIEEE(out[:120]))
	for _, c := range chunks {
		out = append(out, c...)
	}
	return out
}

// simple is a chunk of records that are elements with one text each.
func simple(texts ...string) *builder {
	b := newBuilder()
	for _, s := range texts {
		b.beginRecord()
		b.open(true, "E").u8(tokenCloseStart, tokenValue, typeString).text(s).u8(tokenEndElement)
		b.endRecord()
	}
	return b
}
