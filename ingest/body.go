package ingest

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// errBodyTooLarge ends the reading of a body at its limit, long before a bomb
// has gone off.
var errBodyTooLarge = errors.New("the body is too large")

// errBodyBroken is a body that is not what its Content-Encoding says.
var errBodyBroken = errors.New("the body cannot be decompressed")

// errEncoding is a Content-Encoding that is not known.
var errEncoding = errors.New("unknown Content-Encoding")

// A body is read in chunks: its memory grows with what has come, never by
// doubling, so a bomb costs its limit and no more.
const (
	smallChunk = 16 << 10
	largeChunk = 512 << 10
)

// readBody reads a body of up to limit bytes, decompressed. Before it keeps more
// than it has, it asks room for the new total.
func readBody(r io.Reader, encoding string, limit int64, room func(total int64) error) ([]byte, error) {
	encoding = strings.ToLower(strings.TrimSpace(encoding))
	if encoding == "snappy" || encoding == "x-snappy-framed" {
		return readSnappy(r, limit, room)
	}
	plain, err := decompress(io.LimitReader(r, limit+1), encoding)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return readChunks(plain, limit, room)
}

func readChunks(plain plainReader, limit int64, room func(total int64) error) ([]byte, error) {
	var chunks [][]byte
	for total := int64(0); ; {
		chunk := make([]byte, min(max(total, smallChunk), largeChunk, limit+1-total))
		if err := room(total + int64(len(chunk))); err != nil {
			return nil, err
		}
		n, err := fill(plain, chunk)
		total += int64(n)
		chunks = append(chunks, chunk[:n])
		switch {
		case total > limit:
			return nil, errBodyTooLarge
		case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return nil, errBodyTooLarge
		case err == io.EOF: //nolint:errorlint // a wrapped one is a body that was cut off
			return join(chunks, total), nil
		case err != nil && plain.compressed:
			return nil, fmt.Errorf("%w: %w", errBodyBroken, err)
		case err != nil:
			return nil, err
		}
	}
}

// fill is io.ReadFull that tells an end from an end too early.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = r.Read(b[n:])
		n += more
	}
	return n, err
}

// join puts the chunks together, letting go of each that is copied.
func join(chunks [][]byte, total int64) []byte {
	if len(chunks) == 1 {
		return chunks[0]
	}
	out := make([]byte, 0, total)
	for i, c := range chunks {
		out = append(out, c...)
		chunks[i] = nil
	}
	return out
}

type plainReader struct {
	io.Reader
	close      func()
	compressed bool
}

func (p plainReader) Close() { p.close() }

func decompress(r io.Reader, encoding string) (plainReader, error) {
	broken := func(err error) (plainReader, error) {
		return plainReader{}, fmt.Errorf("%w: %w", errBodyBroken, err)
	}
	switch encoding {
	case "", "identity":
		return plainReader{r, func() {}, false}, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return broken(err)
		}
		return plainReader{z, func() { z.Close() }, true}, nil
	case "deflate":
		z, err := inflate(r)
		if err != nil {
			return broken(err)
		}
		return plainReader{z, func() { z.Close() }, true}, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20), zstd.IgnoreChecksum(false))
		if err != nil {
			return broken(err)
		}
		return plainReader{z, z.Close, true}, nil
	}
	return plainReader{}, fmt.Errorf("%w %q; use identity, gzip, deflate, zstd or snappy", errEncoding, encoding)
}

// framedSnappy begins snappy's form for streams. Senders of logs mean its blocks.
var framedSnappy = []byte("\xff\x06\x00\x00sNaPpY")

// readSnappy reads a body that is one block, which says its size, or a stream.
func readSnappy(r io.Reader, limit int64, room func(total int64) error) ([]byte, error) {
	packed, err := readBody(r, "", limit, room)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(packed, framedSnappy) {
		return readChunks(plainReader{snappy.NewReader(bytes.NewReader(packed)), func() {}, true}, limit, func(total int64) error {
			return room(total + int64(len(packed)))
		})
	}
	size, err := snappy.DecodedLen(packed)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errBodyBroken, err)
	case int64(size) > limit:
		return nil, errBodyTooLarge
	}
	if err := room(int64(size) + int64(len(packed))); err != nil {
		return nil, err
	}
	plain, err := snappy.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBodyBroken, err)
	}
	return plain, nil
}

// inflate reads zlib, which is what HTTP means by deflate, and bare deflate,
// which is what some senders do.
func inflate(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
