package feeds

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"nightjar/configuration"
	"nightjar/ingest/intel"
	"nightjar/scheduler/reference"
)

// fields are those of a list's table.
var fields = []string{"indicator", "type", "category", "intention", "source_url", "about"}

// description is what a list's table says of itself; a table of the same name that does
// not belongs to a user.
func description(l *configuration.ThreatList) string {
	return "Threat list " + l.Name + ", kept by nightjar"
}

// drop deletes the table of a list that is no more.
func (f *Feeds) drop(ctx context.Context, name string) {
	l := configuration.ThreatList{Name: name}
	t, ok := f.table(&l)
	if !ok || t.Description != description(&l) {
		return
	}
	if err := f.deps.Tables.Delete(ctx, t.ID); err != nil {
		f.deps.Log.Warn("cannot delete the table of a threat list", "list", name, "error", err)
	}
}

// table is the table of a list.
func (f *Feeds) table(l *configuration.ThreatList) (reference.Table, bool) {
	for _, t := range f.deps.Tables.List() {
		if t.Name == l.Table() {
			return t, true
		}
	}
	return reference.Table{}, false
}

// keep makes the list's table equal to what was read, so that rules can ask it, and the
// next start finds it. Of one value, the first entry is kept.
func (f *Feeds) keep(ctx context.Context, l *configuration.ThreatList, found []intel.Indicator) error {
	t, ok := f.table(l)
	if ok && t.Description != description(l) {
		return fmt.Errorf("there is a reference table %s already, and it is not this list's: rename one of them", t.Name)
	}
	if !ok {
		def := reference.Table{Name: l.Table(), Source: "LOCAL_FILE", Description: description(l), Key: fields[0]}
		for _, name := range fields {
			def.Fields = append(def.Fields, reference.Field{Name: name, Type: reference.String})
		}
		var err error
		if t, err = f.deps.Tables.Create(ctx, def); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	_ = w.Write(fields) // into memory
	known := map[string]bool{}
	for _, i := range found {
		if !known[i.Value] {
			known[i.Value] = true
			_ = w.Write([]string{i.Value, string(i.Type), i.Category, i.Intention, i.SourceURL, oneLine(i.About)})
		}
	}
	w.Flush()
	file, err := reference.NewCSV(&text, reference.CSVOptions{Columns: fields})
	if err != nil {
		return err
	}
	if _, err := f.deps.Tables.Import(ctx, t.ID, file, ""); err != nil {
		return fmt.Errorf("keep the list as a table: %w", err)
	}
	return nil
}

// oneLine is a text without ends of lines, cut at 1,000 bytes.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}

// rowsPerPage is how many rows are read at a time.
const rowsPerPage = 10_000

// stored are the indicators of a list as its table has them, and when that was written;
// nil: it has none.
func (f *Feeds) stored(ctx context.Context, l *configuration.ThreatList) (found []intel.Indicator, at time.Time, err error) {
	t, ok := f.table(l)
	if !ok || !l.Enabled || t.Description != description(l) {
		return nil, at, nil
	}
	for token := ""; ; {
		rows, next, err := f.deps.Tables.ListRows(ctx, t.ID, rowsPerPage, token)
		if err != nil {
			return nil, at, err
		}
		for _, r := range rows {
			i := intel.Indicator{
				Type: intel.Type(r.Values["type"]), Value: r.ID, Category: r.Values["category"], Intention: r.Values["intention"],
				Source: l.Name, SourceURL: r.Values["source_url"], About: r.Values["about"],
			}
			if v, err := intel.Normal(i.Type, i.Value); err == nil && v == i.Value {
				found = append(found, i)
			}
		}
		if token = next; token == "" {
			return found, t.UpdatedAt.Time(), nil
		}
	}
}
