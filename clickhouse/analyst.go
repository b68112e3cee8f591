package clickhouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// CreateAnalyst makes, on a server of the user's, a read-only user for ad hoc
// SQL, like Analyst on an embedded one: it may read the tables of the admin's
// database, within limits that it can't lift. Its password is new with every
// start. It needs the right to create users.
func CreateAnalyst(ctx context.Context, conn driver.Conn, admin *ch.Options, tables []string) (*ch.Options, error) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	name := "nightjar_analyst_" + admin.Auth.Database
	password := hex.EncodeToString(secret[:])
	for _, sql := range analystStatements(name, password, admin.Auth.Database, tables) {
		if err := conn.Exec(ctx, sql); err != nil {
			text := strings.ReplaceAll(err.Error(), password, "…")
			return nil, fmt.Errorf("make user %s for ad hoc SQL (give nightjar's user ACCESS MANAGEMENT, or name a read-only user with clickhouse-analyst): %s", name, text)
		}
	}
	options := *admin
	options.Auth.Username, options.Auth.Password = name, password
	return &options, nil
}

// analystStatements make the user, or bring one of an earlier start to today's
// password, limits and tables.
func analystStatements(name, password, database string, tables []string) []string {
	user := quoteIdentifier(name)
	how := " IDENTIFIED WITH sha256_password BY '" + password + "' SETTINGS " + analystSettings(DefaultLimits)
	statements := []string{
		"CREATE USER IF NOT EXISTS " + user + how,
		"ALTER USER " + user + how,
		"REVOKE ALL ON *.* FROM " + user,
	}
	for _, t := range tables {
		statements = append(statements, "GRANT SELECT ON "+quoteIdentifier(database)+"."+quoteIdentifier(t)+" TO "+user)
	}
	return statements
}

// analystTypes are the settings that let an analyst group and order by any attribute,
// and that have values of type JSON written as text.
var analystTypes = []string{"allow_suspicious_types_in_group_by", "allow_suspicious_types_in_order_by", "output_format_native_write_json_as_string"}

// analystSettings are the limits as CREATE USER takes them: a value, a minimum
// (0 would mean "no limit") and a maximum.
func analystSettings(l Limits) string {
	parts := []string{"readonly = 1", "max_memory_usage_for_user = " + strconv.FormatInt(2*l.memory(), 10)}
	for _, name := range slices.Sorted(maps.Keys(peopleSettings)) {
		parts = append(parts, fmt.Sprintf("%s = '%v'", name, peopleSettings[name]))
	}
	for _, name := range analystTypes {
		parts = append(parts, name+" = 1")
	}
	for _, s := range l.Settings() {
		parts = append(parts, fmt.Sprintf("%s = %d MIN 1 MAX %d CHANGEABLE_IN_READONLY", s.Name, s.Max, s.Max))
	}
	return strings.Join(parts, ", ")
}

func quoteIdentifier(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}
