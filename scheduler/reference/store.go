package reference

import (
	"context"

	"nightjar/schema"
)

// Store keeps tables and all that ever was in them. Nothing in it is changed
// but for what was staged.
type Store interface {
	// Objects reads all versions of all tables, by id and version.
	Objects(ctx context.Context) ([]Object, error)
	// Commit stores a version of a table, which makes its rows count. The same
	// one twice changes nothing.
	Commit(ctx context.Context, o Object) error

	// Versions are those that rows of each table have, committed or not.
	Versions(ctx context.Context) (map[string][]Version, error)
	// Append stores changes of rows as a version that is not committed yet.
	Append(ctx context.Context, table string, v Version, changes []Change) error
	// Stage stores lines of a file.
	Stage(ctx context.Context, upload uint64, lines []Line) error
	// Unstage forgets a file; 0 forgets all.
	Unstage(ctx context.Context, upload uint64) error
	// Merge stores as version v what makes the table in the snapshot equal to the
	// file, whose last line of a key counts. Every line has as many values.
	Merge(ctx context.Context, s Snapshot, upload uint64, values int, v Version) (Merged, error)

	// Rows reads rows by key; absent ones are left out.
	Rows(ctx context.Context, s Snapshot, keys []string) ([]StoredRow, error)
	// Page reads at most limit rows with keys after one, in the order of keys.
	Page(ctx context.Context, s Snapshot, after string, limit int) ([]StoredRow, error)
	// Find reads such a page of the rows of which a value has a text in it, in any letter
	// case.
	Find(ctx context.Context, s Snapshot, after, containing string, limit int) ([]StoredRow, error)
	// Changes reads what version v changes in the table of the snapshot.
	Changes(ctx context.Context, s Snapshot, v Version, use func(Change) error) error
	// Cells reads every change up to the snapshot with the value of one field, by
	// key and version.
	Cells(ctx context.Context, s Snapshot, field int, isKey bool, use func(Cell) error) error
}

// Object is a version of a table's definition.
type Object struct {
	ID      string
	Version Version
	Written schema.Millis
	Deleted bool
	Body    string
}

// Snapshot is a table as it is in a version. Hidden are versions that rows have
// and that do not count.
type Snapshot struct {
	Table   string
	Version Version
	Hidden  []Version
}

// StoredRow is a row, its values in the order of the table's fields. Fields that
// were added later have none.
type StoredRow struct {
	Key    string
	Values []string
}

// Line is a row of a file, and where it is there.
type Line struct {
	StoredRow
	Number uint64
}

// Change is what happens to a row: nil values mean that there is none.
type Change struct {
	Key      string
	Old, New []string
}

// Merged says what a merge did. The table has Rows then, of which Put are new or
// changed; Removed are gone. Replaced are lines whose key a later one has too.
type Merged struct{ Rows, Put, Removed, Replaced uint64 }

// Cell is the value of one field from a version on. Removed has none.
type Cell struct {
	Key     string
	Version Version
	Removed bool
	Value   string
}
