package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Record is the text of one event, and where it stands.
type Record struct {
	Place Place
	// JSON says that Text is one JSON object, well formed or not; else it is a raw
	// log line without its end.
	JSON bool
	// Text is valid until the next record. It is as the file has it, but for a row
	// of CSV, which is the object of its columns, and for what a vendor's export
	// wraps around an event.
	Text []byte
	// Open says that the file ends within the record, as far as one can tell: a line
	// without its end.
	Open bool
}

// Place is where a record stands.
type Place struct {
	// Path is the file's; in an archive with the member's behind a "!".
	Path string
	// Line is that at which the record begins, from 1; of a file without lines, the
	// record's number.
	Line int
}

// String is path:line, as compilers write positions.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.Path, p.Line) }

// PlaceError is what is wrong, and where.
type PlaceError struct {
	Place Place
	Err   error
}

// Error begins with the path and the line.
func (e *PlaceError) Error() string { return e.Place.String() + ": " + e.Err.Error() }

// Unwrap is what is wrong.
func (e *PlaceError) Unwrap() error { return e.Err }

// DefaultMaxRecord is the largest record in bytes, unless Options say another:
// what a request to the intake may be.
const DefaultMaxRecord = 20 << 20

// Options say how files are read; the zero value serves.
type Options struct {
	// Stdin is what the path - stands for; nil: os.Stdin.
	Stdin io.Reader
	// MaxRecord is the largest record in bytes; 0: DefaultMaxRecord. A larger one
	// ends the reading with an error.
	MaxRecord int
	// Read, when not nil, is told of bytes read from the file as it is on disk.
	Read func(n int)
	// Skipped, when not nil, is told of each part of a file that is damaged and was
	// passed over; nil: the first one ends the reading.
	Skipped func(error)
	// Follow, when not nil, is asked at the end of the file whether to read on. It
	// may wait, and is called between records: all that can be read was handed over.
	// It should say true now and then where nothing came: some records wait for more.
	// Only what is Followable is to be followed.
	Follow func() (more bool)
}

// Each calls use with every record of the file, in order. - is standard input.
// It ends with the first error, its own or that of use; what was read before it
// was handed over.
func Each(path string, o Options, use func(Record) error) error {
	in := o.Stdin
	if in == nil {
		in = os.Stdin
	}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder; name its files", path)
		}
		in = f
	}
	return Read(path, in, o, use)
}

// Read is Each for what is open already; path is its name.
func Read(path string, in io.Reader, o Options, use func(Record) error) error {
	if o.MaxRecord <= 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	r := &reading{options: o, use: use}
	return r.file(path, in)
}

// Expand are the files that the arguments name: of a folder all that are in it, at
// any depth, and of a pattern with * ? [ those that fit, each in the order of
// names. An argument that names nothing is an error.
func Expand(arguments []string) ([]string, error) {
	var out []string
	for _, a := range arguments {
		found, err := expand(a)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no such file", a)
		}
		out = append(out, found...)
	}
	return out, nil
}

func expand(argument string) ([]string, error) {
	if argument == "-" {
		return []string{"-"}, nil
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		return filesIn(argument)
	case err == nil:
		return []string{argument}, nil
	case !errors.Is(err, fs.ErrNotExist) || !strings.ContainsAny(argument, "*?["):
		return nil, err
	}
	found, err := filepath.Glob(argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argument, err)
	}
	var out []string
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			out = append(out, path)
		}
	}
	return out, nil
}

func filesIn(folder string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			out = append(out, path)
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}
