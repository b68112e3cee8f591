package bpf

import (
	"bytes"
	"testing"
	"unsafe"
)

func TestTypesAreThoseOfTheKernelSide(t *testing.T) {
	// enum event_type, in the order of wire.h.
	for name, want := range map[string]Type{"exec": 1, "fork": 2, "exit": 3, "open": 4, "signal": 19, "ondemand": 36, "bind": 37, "network_flow_monitor": 44} {
		if got := TypeOf(name); got != want || want.Name() != name {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// FuzzParse holds that no record, however broken, makes the agent read beyond it.
func FuzzParse(f *testing.F) {
	h := Header{Size: uint32(HeaderSize) + 16}
	whole := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&h)), HeaderSize)...)
	f.Add(append(whole, 7, 0, 5, 0, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, sample []byte) {
		before := bytes.Clone(sample)
		r, err := Parse(sample)
		if err != nil {
			return
		}
		for kind := Part(0); kind < 20; kind++ {
			if p := r.Part(kind); len(p) > len(sample) {
				t.Errorf("a part of %d bytes in a record of %d", len(p), len(sample))
			}
			r.File(kind)
		}
		r.Comm()
		r.Object()
		r.Socket()
		r.Packet()
		if !bytes.Equal(before, sample) {
			t.Error("reading changed the record")
		}
	})
}
