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
	"github.com/klauspost/compress/zstd"
)

// errBodyTooLarge ends the reading of a body at its limit, long before a bomb
// has gone off.
var errBodyTooLarge = errors.New("the body is too large")

// errBodyBroken is a body that is not what its Content-Encoding says.
var errBodyBroken = errors.New("the body cannot be decompressed")

// errEncoding is a Content-Encoding that is not known.
var errEncoding = errors.New("unknown Content-Encoding")

// readBody reads a body of up to limit bytes, decompressed.
func readBody(r io.Reader, encoding string, limit int64) ([]byte, error) {
	plain, err := decompress(io.LimitReader(r, limit+1), encoding)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(plain, limit+1))
	switch {
	case n > limit:
		return nil, errBodyTooLarge
	case err != nil && plain.compressed:
		return nil, fmt.Errorf("%w: %w", errBodyBroken, err)
	case err != nil:
		return nil, err
	}
	return buf.Bytes(), nil
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
	switch strings.ToLower(strings.TrimSpace(encoding)) {
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
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return broken(err)
		}
		return plainReader{z, z.Close, true}, nil
	}
	return plainReader{}, fmt.Errorf("%w %q; use identity, gzip, deflate or zstd", errEncoding, encoding)
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
