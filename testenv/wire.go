package testenv

import (
	"bytes"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Wire is a connection to a gRPC server of a caller that keeps to no rules of gRPC.
type Wire struct {
	conn   net.Conn
	framer *http2.Framer
	text   bytes.Buffer
	header *hpack.Encoder
}

// OpenWire connects. It is closed with the test, or by Close.
func OpenWire(t testing.TB, address string) (*Wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	w := &Wire{conn: conn, framer: http2.NewFramer(conn, conn)}
	w.header = hpack.NewEncoder(&w.text)
	w.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return w, w.framer.WriteSettings()
}

// Close ends the connection.
func (w *Wire) Close() { w.conn.Close() }

// Begin opens a call whose message says that it has size bytes, and sends sent of
// them; with a key, unless that is empty.
func (w *Wire) Begin(stream uint32, path, key string, size, sent int) error {
	w.text.Reset()
	fields := []string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "x", "content-type", "application/grpc", "te", "trailers"}
	if key != "" {
		fields = append(fields, "dd-api-key", key)
	}
	for i := 0; i < len(fields); i += 2 {
		if err := w.header.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			return err
		}
	}
	err := w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: w.text.Bytes(), EndHeaders: true})
	if err == nil {
		err = w.framer.WriteData(stream, false, []byte{0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)})
	}
	for ; err == nil && sent > 0; sent -= 16 << 10 {
		err = w.framer.WriteData(stream, false, make([]byte, min(sent, 16<<10)))
	}
	return err
}

// Statuses reads until it has the status of n calls; asked says for how many messages
// the server made room beyond what it gives every call.
func (w *Wire) Statuses(n int) (statuses []string, asked int, err error) {
	for len(statuses) < n {
		frame, err := w.framer.ReadFrame()
		if err != nil {
			return statuses, asked, err
		}
		switch frame := frame.(type) {
		case *http2.WindowUpdateFrame:
			if frame.StreamID != 0 {
				asked++
			}
		case *http2.MetaHeadersFrame:
			for _, f := range frame.Fields {
				if f.Name == "grpc-status" {
					statuses = append(statuses, f.Value)
				}
			}
		}
	}
	return statuses, asked, nil
}
