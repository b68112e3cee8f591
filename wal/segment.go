package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A segment file is a header, written twice so that one bad sector does not
// take the segment with it, and records:
//
//	header  magic[8] log[16] number u64 first u64 prev u64 prevLength u64 salt u64 crc u32
//	record  magic u32 crc u32 length u32 count u32 first u64 payload[length]
//
// The checksum of a record begins with the segment's random salt: what a sender
// puts into an event is never taken for a record, wherever reading resumes.
const (
	headerCopy    = 8 + 16 + 5*8 + 4
	segmentHeader = 2 * headerCopy
	recordHeader  = 4 + 4 + 4 + 4 + 8
	recordMagic   = 0xA917AB1E
	suffix        = ".wal"
)

var (
	segmentMagic = []byte("njwal01\n")
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	magicBytes   = binary.LittleEndian.AppendUint32(nil, recordMagic)
)

// segment is what is known of one file. length is how far it is durable.
type segment struct {
	num, first, next uint64
	length           int64
	prev             uint64
	prevLength       int64
	salt             uint64
	path             string
}

func segmentName(num uint64) string { return fmt.Sprintf("%016x%s", num, suffix) }

func segmentNumber(name string) (uint64, bool) {
	hex, ok := strings.CutSuffix(name, suffix)
	if !ok || len(hex) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	return n, err == nil
}

func (s *segment) header(id [16]byte) []byte {
	b := make([]byte, 0, segmentHeader)
	b = append(b, segmentMagic...)
	b = append(b, id[:]...)
	for _, v := range []uint64{s.num, s.first, s.prev, uint64(s.prevLength), s.salt} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return append(b, b...)
}

// parseHeader reads either copy of the header.
func parseHeader(b []byte) (s *segment, id [16]byte, ok bool) {
	for at := 0; at+headerCopy <= min(len(b), segmentHeader); at += headerCopy {
		c := b[at : at+headerCopy]
		sum := binary.LittleEndian.Uint32(c[headerCopy-4:])
		if !bytes.HasPrefix(c, segmentMagic) || crc32.Checksum(c[:headerCopy-4], castagnoli) != sum {
			continue
		}
		field := func(i int) uint64 { return binary.LittleEndian.Uint64(c[24+8*i:]) }
		s = &segment{num: field(0), first: field(1), prev: field(2), prevLength: int64(field(3)), salt: field(4)}
		s.next = s.first
		return s, [16]byte(c[8:24]), true
	}
	return nil, id, false
}

func (s *segment) checksum(header, payload []byte) uint32 {
	var salt [8]byte
	binary.LittleEndian.PutUint64(salt[:], s.salt)
	sum := crc32.Checksum(salt[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, header)
	return crc32.Update(sum, castagnoli, payload)
}

func (s *segment) appendHeader(b []byte, p *pending) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, recordMagic)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.payload)))
	b = binary.LittleEndian.AppendUint32(b, p.count)
	b = binary.LittleEndian.AppendUint64(b, p.first)
	binary.LittleEndian.PutUint32(b[at+4:], s.checksum(b[at+8:], p.payload))
	return b
}

// parse reads the record at the start of b; ok is false for anything that was
// not written whole.
func (s *segment) parse(b []byte, maxRecord int) (r Record, ok bool) {
	length, ok := recordLength(b, maxRecord)
	if !ok || len(b) < recordHeader+length {
		return r, false
	}
	payload := b[recordHeader : recordHeader+length]
	if s.checksum(b[8:recordHeader], payload) != binary.LittleEndian.Uint32(b[4:]) {
		return r, false
	}
	r = Record{
		First:   binary.LittleEndian.Uint64(b[16:]),
		Count:   binary.LittleEndian.Uint32(b[12:]),
		Payload: payload,
		Size:    int64(recordHeader + length),
	}
	return r, r.Count > 0
}

func recordLength(b []byte, maxRecord int) (int, bool) {
	if len(b) < recordHeader || !bytes.HasPrefix(b, magicBytes) {
		return 0, false
	}
	length := binary.LittleEndian.Uint32(b[8:])
	return int(length), int64(length) <= int64(maxRecord)
}

// resync finds the next whole record after a damaged one.
func (s *segment) resync(b []byte, from, maxRecord int) (at int, ok bool) {
	for from < len(b) {
		i := bytes.Index(b[from:], magicBytes)
		if i < 0 {
			return 0, false
		}
		if _, ok := s.parse(b[from+i:], maxRecord); ok {
			return from + i, true
		}
		from += i + 1
	}
	return 0, false
}

// RecordSize is what a payload of n bytes takes on disk.
func RecordSize(n int) int64 { return int64(recordHeader + n) }
