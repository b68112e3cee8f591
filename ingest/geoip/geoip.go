package geoip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/valyala/fastjson"
)

// MaxFiles is how many databases there may be: cities, networks and anonymous
// addresses, each for IPv4 and IPv6, leave room.
const MaxFiles = 8

// Databases answer where addresses are. Their methods may be called
// concurrently, while files are replaced too.
type Databases struct {
	dir     string
	paths   []string
	current atomic.Pointer[set]
	// reloading is held by whoever reads the files anew.
	reloading sync.Mutex
}

// Open reads the databases. Their order is their rank: what two of them know of
// an address, the first says. Copies are kept in dir, without a name: whoever
// writes over a file does not reach what is read from.
func Open(dir string, paths ...string) (*Databases, error) {
	if len(paths) > MaxFiles {
		return nil, fmt.Errorf("at most %d GeoIP databases, got %d", MaxFiles, len(paths))
	}
	d := &Databases{dir: dir, paths: slices.Clone(paths)}
	return d, d.Reload()
}

// Reload reads the files anew. When one of them cannot be used, everything stays
// as it was.
func (d *Databases) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	next := &set{places: map[offsets]*fastjson.Value{}}
	for _, path := range d.paths {
		f, err := openFile(d.dir, path)
		if err != nil {
			return fmt.Errorf("GeoIP database %s: %w", path, err)
		}
		next.files = append(next.files, f)
	}
	d.current.Store(next)
	return nil
}

// Locate is what is known of the address, as the attributes that record.go
// lists: an object that others read too, so it must not be changed. It is nil
// when nothing is known, as of private addresses in public databases.
func (d *Databases) Locate(ip netip.Addr) (*fastjson.Value, error) {
	return d.current.Load().locate(ip.Unmap().WithZone(""))
}

// Database says what a file in use is.
type Database struct {
	Path, Type, Attribution string
	BuildEpoch              uint
}

// List are the databases in use, in their order.
func (d *Databases) List() []Database {
	var out []Database
	for _, f := range d.current.Load().files {
		m := &f.reader.Metadata
		out = append(out, Database{Path: f.path, Type: m.DatabaseType, Attribution: f.attribution(), BuildEpoch: m.BuildEpoch})
	}
	return out
}

// Attributions are what the makers of the databases ask to be shown beside
// results.
func (d *Databases) Attributions() []string {
	var out []string
	for _, db := range d.List() {
		if db.Attribution != "" && !slices.Contains(out, db.Attribution) {
			out = append(out, db.Attribution)
		}
	}
	return out
}

// set is the files that are read together, and what was read of them.
type set struct {
	files  []*file
	mu     sync.RWMutex
	places map[offsets]*fastjson.Value
}

// offsets are where the record of an address stands in each file, plus one.
// Addresses of the same records have the same location.
type offsets [MaxFiles]uintptr

// maxPlaces bounds what is remembered: about 2 KB each.
const maxPlaces = 8192

func (s *set) locate(ip netip.Addr) (*fastjson.Value, error) {
	var key offsets
	var results [MaxFiles]maxminddb.Result
	var failed error
	for i, f := range s.files {
		if ip.Is6() && f.reader.Metadata.IPVersion == 4 {
			continue
		}
		results[i] = f.reader.Lookup(ip)
		if err := results[i].Err(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", f.path, err))
		}
		if results[i].Found() {
			key[i] = results[i].Offset() + 1
		}
	}
	if key == (offsets{}) {
		return nil, failed
	}
	s.mu.RLock()
	place, known := s.places[key]
	s.mu.RUnlock()
	if known {
		return place, failed
	}
	place, err := s.read(&key, &results)
	if err != nil || failed != nil {
		return place, errors.Join(failed, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.places) >= maxPlaces {
		clear(s.places)
	}
	s.places[key] = place
	return place, nil
}

// read puts together what the files say of an address.
func (s *set) read(key *offsets, results *[MaxFiles]maxminddb.Result) (*fastjson.Value, error) {
	var records []record
	var failed error
	for i, f := range s.files {
		if key[i] == 0 {
			continue
		}
		var r record
		if err := results[i].Decode(&r); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", f.path, err))
			continue
		}
		records = append(records, r)
	}
	return describe(records), failed
}
