package geoip

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// file is a database that is read from.
type file struct {
	path   string
	was    os.FileInfo // of the file at path, when it was read
	reader *maxminddb.Reader
	flat   bool // its records are not nested
}

// openFile maps a copy of the file into memory. The reader unmaps it when
// nothing uses it any more.
func openFile(dir, path string) (*file, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	before, err := source.Stat()
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	reader, err := readCopy(dir, source)
	if err != nil {
		return nil, err
	}
	if after, err := source.Stat(); err != nil || !same(before, after) {
		return nil, errors.New("somebody is writing to it; put a finished file in its place with mv")
	}
	f := &file{path: path, was: before, reader: reader}
	return f, f.check()
}

func readCopy(dir string, source io.Reader) (*maxminddb.Reader, error) {
	duplicate, err := os.CreateTemp(dir, ".geoip-")
	if err != nil {
		return nil, err
	}
	defer duplicate.Close()
	if err := os.Remove(duplicate.Name()); err != nil {
		return nil, err
	}
	if _, err := io.Copy(duplicate, source); err != nil {
		return nil, fmt.Errorf("copy it to %s: %w", dir, err)
	}
	reader, err := maxminddb.Open(fmt.Sprintf("/proc/self/fd/%d", duplicate.Fd()))
	if err != nil {
		return nil, fmt.Errorf("not a MaxMind DB file, or a part of one: %w", err)
	}
	return reader, nil
}

// same tells whether nothing was written to a file in between.
func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// tried is how many records are looked at before a database is taken for one
// that knows nothing of use.
const tried = 1000

// check reads the first records: a file that is damaged, or of another kind,
// should say so when it is opened.
func (f *file) check() error {
	n := 0
	for result := range f.reader.Networks(maxminddb.SkipEmptyValues()) {
		var r record
		if err := result.Decode(&r); err != nil {
			return fmt.Errorf("its records cannot be read: %w", err)
		}
		if describe([]record{r}) != nil {
			_, f.flat = r["country_code"]
			return nil
		}
		if n++; n == tried {
			break
		}
	}
	return fmt.Errorf("a database of type %q: its records tell no place, network or anonymity", f.reader.Metadata.DatabaseType)
}

// What makers of free databases ask to be shown.
const (
	creditDBIP    = "IP Geolocation by DB-IP (https://db-ip.com)"
	creditGeoLite = "This product includes GeoLite Data created by MaxMind, available from https://www.maxmind.com"
)

// attribution tells by what the file says of itself, or is called, whose it is.
// The files of npm's ip-location-db say only "city ipv4"; the flat layout with
// such a type is taken for DB-IP's.
func (f *file) attribution() string {
	m := &f.reader.Metadata
	kind := strings.ToLower(m.DatabaseType)
	about := strings.ToLower(f.path + " " + m.DatabaseType + " " + m.Description["en"])
	switch {
	case strings.Contains(about, "dbip"), strings.Contains(about, "db-ip"):
		return creditDBIP
	case strings.Contains(about, "geolite"):
		return creditGeoLite
	case f.flat && strings.HasPrefix(kind, "city ipv"):
		return creditDBIP
	}
	return ""
}
