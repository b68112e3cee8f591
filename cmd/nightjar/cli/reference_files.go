package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightjar/compiler"
	"nightjar/scheduler/reference"
)

const referenceTableHelp = `A rule that asks reference tables needs their files: --reference-table NAME=FILE
for each. A file is CSV, its first line names the columns, and its first column is
the key: of rows with the same key the last counts. A name may say how values are
compared, as in domain:wildcard (exact, cidr, prefix or wildcard); without that,
an address or network stands for all addresses in it, and anything else for
itself, domains in capital and small letters alike. A file whose first line is
addresses, domains or hashes like the lines below it has no header: its columns are
` + reference.UnnamedColumn + `, column2 and so on. Lines that begin with # or ; are left out.`

// tableFile is a reference table of --reference-table.
type tableFile struct{ name, path string }

// tableFiles is the flag's value.
type tableFiles []tableFile

// Set implements pflag.Value.
func (t *tableFiles) Set(s string) error {
	name, path, ok := strings.Cut(s, "=")
	if !ok || name == "" || path == "" {
		return errors.New("want NAME=FILE")
	}
	*t = append(*t, tableFile{name: name, path: path})
	return nil
}

// String implements pflag.Value.
func (t *tableFiles) String() string { return "" }

// Type implements pflag.Value.
func (t *tableFiles) Type() string { return "NAME=FILE" }

func addReferenceTables(c *cobra.Command, into *tableFiles) {
	c.Flags().Var(into, "reference-table", "a reference table that the rule asks (can be repeated)")
}

// readTables reads the files of reference tables, says what is in them, and warns
// of tables that the rule asks and that there are not. A column that a table lacks
// is an error.
func readTables(files []tableFile, wanted []compiler.TableColumn) (*reference.Memory, error) {
	tables, err := tablesOf(files, wanted, func(f tableFile, r reference.Report) {
		fmt.Fprintf(os.Stderr, "reference table %s: %s\n", f.name, r)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range wanted {
		if err := tables.Check(c); err != nil {
			return nil, err
		}
	}
	for _, problem := range tables.Missing(wanted) {
		fmt.Fprintln(os.Stderr, "warning:", problem)
	}
	return tables, nil
}

func tablesOf(files []tableFile, wanted []compiler.TableColumn, read func(tableFile, reference.Report)) (*reference.Memory, error) {
	tables := reference.NewMemory()
	for _, f := range files {
		report, err := readTable(tables, f, wanted)
		if err != nil {
			return nil, err
		}
		read(f, report)
	}
	return tables, nil
}

func readTable(tables *reference.Memory, f tableFile, wanted []compiler.TableColumn) (reference.Report, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return reference.Report{}, err
	}
	defer file.Close()
	report, err := tables.Add(f.name, file, wanted)
	if err != nil {
		return reference.Report{}, fmt.Errorf("%s:%w", f.path, err)
	}
	return report, nil
}
