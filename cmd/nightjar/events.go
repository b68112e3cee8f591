package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/valyala/fastjson"

	"nightjar/ingest"
	"nightjar/schema"
)

// eventLine is an event as files of events have it.
type eventLine struct {
	ID         json.RawMessage `json:"id,omitempty"`
	Timestamp  schema.Millis   `json:"timestamp"`
	Source     string          `json:"source"`
	Service    string          `json:"service"`
	Host       string          `json:"host"`
	Status     string          `json:"status"`
	Message    string          `json:"message"`
	Tags       []string        `json:"tags"`
	Attributes json.RawMessage `json:"attributes"`
}

// withID puts the event's own id in front, where it has one: in a file, `id` is
// an attribute like any other. Otherwise it is the engine's.
func (l *eventLine) withID(id string) error {
	quoted, err := json.Marshal(id)
	if err != nil {
		return err
	}
	l.ID = quoted
	if !bytes.Contains(l.Attributes, []byte(`"id":`)) {
		return nil
	}
	v, err := fastjson.ParseBytes(l.Attributes)
	if err != nil {
		return fmt.Errorf("read attributes: %w", err)
	}
	if own := v.Get("id"); own != nil {
		l.ID = own.MarshalTo(nil)
		v.Del("id")
		l.Attributes = v.MarshalTo(nil)
	}
	return nil
}

// eachLine calls use with every line of a file that is not empty, its end
// included, and the line's number. - is standard input.
func eachLine(path string, use func(line []byte, n int) error) error {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := use(line, n); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
}

// lineEvents are the events of a line: one, unless it is a list. Each line has a
// decoder of its own, for a Decoder bounds what it reads in all.
func lineEvents(path string, line []byte, n int, decoder ingest.Decoder) ([]schema.Event, error) {
	events, err := decoder.JSON(line)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, n, err)
	}
	return events, nil
}
