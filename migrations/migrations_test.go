package migrations

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/schema"
	"nightjar/testenv"
)

func TestApplyTwiceDoesNothingTheSecondTime(t *testing.T) {
	conn := testenv.ClickHouse(t)
	ran, err := Apply(t.Context(), conn, schema.Tables)
	if err != nil {
		t.Fatal(err)
	}
	if len(ran) != len(schema.Tables) {
		t.Errorf("ran %d statements on an empty database, want one a table (%d)", len(ran), len(schema.Tables))
	}
	again, err := Apply(t.Context(), conn, schema.Tables)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != 0 {
		t.Errorf("the second run changed something: %q", again)
	}
}

func TestApplyCompletesATableThatLacksColumns(t *testing.T) {
	for _, full := range schema.Tables {
		t.Run(full.Name, func(t *testing.T) {
			conn := testenv.ClickHouse(t)
			earlier := full
			earlier.Columns = keyColumns(full)
			earlier.Indexes = nil
			if _, err := Apply(t.Context(), conn, []schema.Table{earlier}); err != nil {
				t.Fatal(err)
			}
			if _, err := Apply(t.Context(), conn, []schema.Table{full}); err != nil {
				t.Fatal(err)
			}
			have, err := columns(t.Context(), conn, full.Name)
			if err != nil {
				t.Fatal(err)
			}
			if len(have) != len(full.Columns) {
				t.Errorf("has %d columns, want %d: %v", len(have), len(full.Columns), have)
			}
			if again, err := Apply(t.Context(), conn, []schema.Table{full}); err != nil || len(again) > 0 {
				t.Errorf("not complete after one run: %q, %v", again, err)
			}
		})
	}
}

// keyColumns are the columns that the table can't do without: an earlier
// version had at least those.
func keyColumns(t schema.Table) []schema.Column {
	var out []schema.Column
	for _, c := range t.Columns {
		if strings.Contains(t.OrderBy+t.PartitionBy+t.Engine, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

func TestApplyRefusesAColumnOfAnotherType(t *testing.T) {
	conn := testenv.ClickHouse(t)
	table := schema.Progress
	table.Columns = append([]schema.Column{}, table.Columns...)
	table.Columns[1].Type = "UInt32"
	if _, err := Apply(t.Context(), conn, []schema.Table{table}); err != nil {
		t.Fatal(err)
	}
	_, err := Apply(t.Context(), conn, []schema.Table{schema.Progress})
	want := "migrate table progress: column through is stored as UInt32, this version of nightjar needs UInt64: use the version that wrote it, or another database"
	if err == nil || !cmp.Equal(err.Error(), want) {
		t.Errorf("got error %v\nwant %s", err, want)
	}
}
