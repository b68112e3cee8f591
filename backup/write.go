package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/ingest"
	"nightjar/schema"
)

// Stiller holds the intake still for a moment. ingest.Intake implements it.
type Stiller interface {
	Still(ctx context.Context, snapshot func(context.Context) error) (ingest.State, error)
}

// Source is an engine that can be backed up.
type Source struct {
	Conn     driver.Conn
	Database string
	Intake   Stiller
	// Folder is where the server's BACKUP TO File arrives, when that is here.
	Folder string
	// Destination is where a server of the user's puts its part, as BACKUP TO
	// takes it, with {name} for the name: Disk('backups', '{name}'). It is the
	// operator's word. Empty: Folder.
	Destination string
	Version     string

	busy sync.Mutex
}

// ErrBusy refuses a second backup at the same time.
var ErrBusy = errors.New("another backup is being written")

// ErrNowhere refuses a backup of a server that was not told where to put it.
var ErrNowhere = errors.New("the setting backup-to is missing: it says where your ClickHouse server puts its part, as in Disk('backups', '{name}')")

// clonePrefix is that of the tables in which the moment is held.
const clonePrefix = "nightjar_backup_"

// Prepare makes a backup on the server and holds it there. Write sends it.
func (s *Source) Prepare(ctx context.Context, now time.Time) (*Prepared, error) {
	if s.Folder == "" && s.Destination == "" {
		return nil, ErrNowhere
	}
	if !s.busy.TryLock() {
		return nil, ErrBusy
	}
	p := &Prepared{source: s, manifest: Manifest{
		Format: format, Version: s.Version, At: now.UTC(), Database: s.Database,
		Name: "nightjar-" + now.UTC().Format("20060102T150405.000"), Tables: map[string]uint64{}, External: s.Destination != "",
	}}
	if err := p.make(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Prepared is a backup that is complete on the server.
type Prepared struct {
	source   *Source
	manifest Manifest
	state    ingest.State
}

// Manifest says what is in it.
func (p *Prepared) Manifest() Manifest { return p.manifest }

func (p *Prepared) make(ctx context.Context) error {
	s := p.source
	if err := s.dropClones(ctx); err != nil {
		return err
	}
	state, err := s.Intake.Still(ctx, s.clone)
	if err != nil {
		return fmt.Errorf("hold the moment: %w", err)
	}
	p.state, p.manifest.Through, p.manifest.Next = state, state.Through, state.Next
	var tables []string
	for _, t := range schema.Tables {
		var n uint64
		if err := s.Conn.QueryRow(ctx, "SELECT count() FROM "+clonePrefix+t.Name).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", t.Name, err)
		}
		p.manifest.Tables[t.Name] = n
		tables = append(tables, "TABLE "+quote(s.Database)+"."+clonePrefix+t.Name+" AS "+quote(s.Database)+"."+t.Name)
	}
	sql := "BACKUP " + strings.Join(tables, ", ") + " TO " + destination(s.Destination, p.manifest.Name)
	if err := s.Conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("BACKUP: %w", err)
	}
	return nil
}

// clone makes a copy of each table that shares its files, in an order in which
// nothing can be promised that is not there: progress is written after what it
// tells of, so it is copied before; what users configured comes last.
func (s *Source) clone(ctx context.Context) error {
	tables := slices.Clone(schema.Tables)
	rank := map[string]int{schema.Progress.Name: -1, schema.Objects.Name: 1}
	slices.SortStableFunc(tables, func(a, b schema.Table) int { return rank[a.Name] - rank[b.Name] })
	for _, t := range tables {
		if err := s.Conn.Exec(ctx, "CREATE TABLE "+clonePrefix+t.Name+" CLONE AS "+t.Name); err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (s *Source) dropClones(ctx context.Context) error {
	for _, t := range schema.Tables {
		if err := s.Conn.Exec(ctx, "DROP TABLE IF EXISTS "+clonePrefix+t.Name+" SYNC"); err != nil {
			return fmt.Errorf("drop the copy of table %s: %w", t.Name, err)
		}
	}
	return nil
}

// Write sends the backup.
func (p *Prepared) Write(w io.Writer) error {
	a := newArchive(w, p.manifest.At)
	head, err := json.MarshalIndent(p.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := a.putBytes(manifestName, append(head, '\n')); err != nil {
		return err
	}
	if err := a.putState(p.state); err != nil {
		return err
	}
	if !p.manifest.External {
		if err := a.putFolder(filepath.Join(p.source.Folder, p.manifest.Name)); err != nil {
			return err
		}
	}
	return a.close()
}

// Close lets go of what Prepare held.
func (p *Prepared) Close() error {
	defer p.source.busy.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := p.source.dropClones(ctx)
	if !p.manifest.External {
		err = errors.Join(err, os.RemoveAll(filepath.Join(p.source.Folder, p.manifest.Name)))
	}
	if err != nil {
		return fmt.Errorf("clear away after a backup: %w", err)
	}
	return nil
}

// Clear removes what an engine that was killed during a backup left.
func (s *Source) Clear(ctx context.Context) error {
	if err := s.dropClones(ctx); err != nil {
		return err
	}
	if s.Folder == "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(s.Folder, "nightjar-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func destination(template, name string) string {
	if template == "" {
		return "File('" + name + "')"
	}
	return strings.ReplaceAll(template, "{name}", name)
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
