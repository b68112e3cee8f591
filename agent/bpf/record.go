package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// The types that the programs and the agent share, made from wire.h.
type (
	// Header is what every record begins with.
	Header = baseRecord
	// FileInfo is what an inode says; its path follows it.
	FileInfo = baseFileInfo
	// Call says what to do about a system call.
	Call = baseCall
	// Filter says which events of a type leave the kernel.
	Filter = baseFilter
	// NameKey is a name, filled up with zeros.
	NameKey = baseNameKey
	// FolderKey names a folder.
	FolderKey = baseFolderKey
	// Object is a map or a program.
	Object = baseBpfObject
	// SocketInfo is a socket: its own address, and that of the other end.
	SocketInfo = baseSocketInfo
	// PacketInfo is what the headers of a packet say.
	PacketInfo = basePacketInfo
	// FolderValue says which types of events are discarded in a folder.
	FolderValue = baseFolderValue
	// Kill is what a file is killed for at exec.
	Kill = baseKill
	// KillText is a path, or the last name of one, filled up with zeros.
	KillText = baseKillText
	// KillInode is a file by its inode.
	KillInode = baseKillInode
	// KillReport is what was done at an exec.
	KillReport = baseKillReport
)

// Part is a kind of part, as enum part_kind of wire.h.
type Part uint16

// The kinds of parts.
const (
	PartFile Part = iota + 1
	PartFile2
	PartPath
	PartPath2
	PartBase
	PartBase2
	PartText
	PartText2
	PartText3
	PartBytes
	PartBytes2
	PartArgs
	PartTTY
	PartObject
	PartSocket
	PartPacket
	PartKill
)

// Flags of records, as enum record_flag of wire.h.
const (
	Compat = 1 << iota // a system call of 32 bits
	Uring              // through io_uring, seen as it was submitted
	Cut                // a part had no room
	Fault              // memory of the caller could not be read
	LSM                // seen by an LSM hook
	Denied             // it was denied: Num[0] is by what, Num[1] the entry of the list
	Urgent             // to be acted on at once
)

// HeaderSize is how many bytes of a record its header is.
const HeaderSize = int(unsafe.Sizeof(Header{}))

// ErrShort is the error of a record that ends before its header does.
var ErrShort = errors.New("the record is too short")

// Record is a record: its header, and the parts that follow. It shares the
// memory it was made of.
type Record struct {
	*Header
	parts []byte
}

// Parse reads a record. The parts are those that are there whole.
func Parse(sample []byte) (Record, error) {
	if len(sample) < HeaderSize {
		return Record{}, fmt.Errorf("%w: %d bytes", ErrShort, len(sample))
	}
	if uintptr(unsafe.Pointer(&sample[0]))%8 != 0 {
		sample = bytes.Clone(sample) // allocations of this size are aligned
	}
	h := (*Header)(unsafe.Pointer(&sample[0]))
	return Record{Header: h, parts: sample[HeaderSize:min(max(int(h.Size), HeaderSize), len(sample))]}, nil
}

// Kind is the record's type of events.
func (r Record) Kind() Type { return Type(r.Type) }

// Has reports whether a flag is set.
func (r Record) Has(flag uint16) bool { return r.Flags&flag != 0 }

// Part finds a part; nil if it is not there.
func (r Record) Part(kind Part) []byte {
	rest := r.parts
	for len(rest) >= partHeader {
		size := int(binary.NativeEndian.Uint16(rest[2:]))
		if partHeader+size > len(rest) {
			return nil
		}
		if Part(binary.NativeEndian.Uint16(rest)) == kind {
			return rest[partHeader : partHeader+size : partHeader+size]
		}
		rest = rest[min(partHeader+(size+7)&^7, len(rest)):]
	}
	return nil
}

const partHeader = int(unsafe.Sizeof(basePart{}))

// Text is a part as a text; empty if it is not there.
func (r Record) Text(kind Part) string { return string(r.Part(kind)) }

// File is a part that tells of a file, and the file's path; nil if it is not
// there.
func (r Record) File(kind Part) (*FileInfo, string) {
	b := r.Part(kind)
	const size = int(unsafe.Sizeof(FileInfo{}))
	if len(b) < size {
		return nil, ""
	}
	return (*FileInfo)(unsafe.Pointer(&b[0])), string(b[size:])
}

// Object is the map or program that a record is about; nil if there is none.
func (r Record) Object() *Object {
	b := r.Part(PartObject)
	if len(b) < int(unsafe.Sizeof(Object{})) {
		return nil
	}
	return (*Object)(unsafe.Pointer(&b[0]))
}

// Socket is the socket that a record is about; nil if there is none.
func (r Record) Socket() *SocketInfo {
	b := r.Part(PartSocket)
	if len(b) < int(unsafe.Sizeof(SocketInfo{})) {
		return nil
	}
	return (*SocketInfo)(unsafe.Pointer(&b[0]))
}

// Kill is what the kernel did at an exec; nil: nothing.
func (r Record) Kill() *KillReport {
	b := r.Part(PartKill)
	if len(b) < int(unsafe.Sizeof(KillReport{})) {
		return nil
	}
	return (*KillReport)(unsafe.Pointer(&b[0]))
}

// Packet is the packet that a record is about; nil if there is none.
func (r Record) Packet() *PacketInfo {
	b := r.Part(PartPacket)
	if len(b) < int(unsafe.Sizeof(PacketInfo{})) {
		return nil
	}
	return (*PacketInfo)(unsafe.Pointer(&b[0]))
}

// Name is the name of a map or a program.
func Name(o *Object) string { return cString(o.Name[:]) }

// Comm is the name of the thread.
func (r Record) Comm() string { return cString(r.Who.Comm[:]) }

// FileSystem is the name of the file system.
func FileSystem(f *FileInfo) string { return cString(f.Filesystem[:]) }

func cString(s []int8) string {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s))
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
