package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// Import makes a table equal to a file: rows that are not in it go. The file has
// the table's fields, in any order. uploadID, if there is one, is noted. A file
// with a mistake changes nothing.
func (s *Tables) Import(ctx context.Context, id string, file *CSV, uploadID string) (Report, error) {
	def, err := s.reads(id, +1, nil)
	if err != nil {
		return Report{}, err
	}
	report, err := s.replace(ctx, &def, file, uploadID)
	if err != nil {
		err = fmt.Errorf("read a file into reference table %s: %w", def.Name, err)
	}
	_, _ = s.reads(id, -1, err) // it may be deleted meanwhile
	return report, err
}

// reads notes that a file begins to be read into a table, or that it has been.
func (s *Tables) reads(id string, more int, problem error) (Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.present(id)
	if err != nil {
		return Table{}, err
	}
	t.reading += more
	if problem != nil {
		t.Problem = problem.Error()
	}
	return t.Table, nil
}

func (s *Tables) replace(ctx context.Context, def *Table, file *CSV, uploadID string) (Report, error) {
	if err := file.Declare(def.Fields); err != nil {
		return Report{}, err
	}
	upload := rand.Uint64() | 1
	defer func() { _ = s.store.Unstage(context.WithoutCancel(ctx), upload) }() // Open forgets what is left
	report, err := s.stage(ctx, upload, def, file)
	if err != nil {
		return report, err
	}
	t, unlock, err := s.lock(ctx, def.ID)
	if err != nil {
		return report, err
	}
	defer unlock()
	before := s.snapshot(t)
	v, now := s.draft(t)
	now.UploadID = uploadID
	var merged Merged
	err = s.write(ctx, t, v, &now, func() (changed bool, err error) {
		if merged, err = s.store.Merge(ctx, before, upload, len(def.Fields), v); err != nil {
			return false, err
		}
		now.Rows = int64(merged.Rows)
		if len(s.inMemory(t)) > 0 {
			err = s.store.Changes(ctx, before, v, s.foresee(t, v))
		}
		return merged.Put+merged.Removed > 0, err
	})
	report.Rows, report.Replaced = int(merged.Rows), int(merged.Replaced)
	return report, err
}

// stageLines is how many lines of a file go to the store at once.
const stageLines = 50_000

// stage stores the lines of a file, in the order of the table's fields.
func (s *Tables) stage(ctx context.Context, upload uint64, def *Table, file *CSV) (Report, error) {
	report := Report{Fields: def.Fields}
	place := make([]int, len(file.Fields)) // of the file's columns among the fields
	for i, f := range file.Fields {
		place[i] = def.field(f.Name)
	}
	key := def.field(def.Key)
	lines := make([]Line, 0, stageLines)
	for {
		cells, err := file.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return report, err
		}
		values := make([]string, len(def.Fields))
		for i, cell := range cells {
			values[place[i]] = strings.Clone(cell)
			if def.Fields[place[i]].Match == CIDR && !isNetwork(cell) {
				report.Foreign++
			}
		}
		if values[key] == "" {
			return report, fmt.Errorf("%d:1: the row has no value of the primary key %s", file.Line(), def.Key)
		}
		lines = append(lines, Line{StoredRow{values[key], values}, uint64(file.Line())})
		if len(lines) == stageLines {
			if err := s.store.Stage(ctx, upload, lines); err != nil {
				return report, err
			}
			lines = lines[:0]
		}
	}
	if len(lines) == 0 {
		return report, nil
	}
	return report, s.store.Stage(ctx, upload, lines)
}

func isNetwork(cell string) bool {
	_, ok := ParseNetwork(cell)
	return ok || cell == ""
}
