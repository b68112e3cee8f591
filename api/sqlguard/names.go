package sqlguard

import (
	"strings"

	"nightjar/api"
	"nightjar/schema"
	"nightjar/schema/vocabulary"
)

// WithNames is a query with each @name, which is no SQL, replaced by the column that
// holds what the vocabulary has by the name: @source.ip by
// attributes.network.client.ip. Columns are those of the vocabulary's table, never
// text of the query; names in texts, quotes and comments are left alone. Without a
// vocabulary the query stays as it is.
func WithNames(query, name string) (string, error) {
	names, err := vocabulary.Parse(name)
	if err != nil {
		return "", api.BadRequest("schema", "%v", err)
	}
	if names == vocabulary.Own {
		return query, nil
	}
	tokens, err := lexSQL(query)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	done := 0
	for i := 0; i < len(tokens); i++ {
		if tokens[i].kind != sqlSign || tokens[i].text != "@" {
			continue
		}
		last := endOfName(tokens, i)
		written := query[tokens[i].start:tokens[last].end]
		field, err := fieldOfName(names, written)
		if err != nil {
			return "", sqlError(query, tokens[i].start, "%v", err)
		}
		out.WriteString(query[done:tokens[i].start])
		out.WriteString(column(field))
		done, i = tokens[last].end, last
	}
	out.WriteString(query[done:])
	return out.String(), nil
}

// endOfName is the last token of a name that begins at an @: words and dots with
// nothing between them.
func endOfName(tokens []sqlToken, from int) int {
	last := from
	for i := from + 1; i < len(tokens) && tokens[i].start == tokens[last].end; i++ {
		t := tokens[i]
		if t.kind != sqlWord && (t.kind != sqlSign || t.text != "." && (t.text != "@" || i > from+1)) {
			break
		}
		last = i
	}
	for last > from && tokens[last].text == "." {
		last--
	}
	return last
}

// fieldOfName is the field of a name as it is written: @source.ip, or @timestamp and
// @@timestamp, where the name itself begins so.
func fieldOfName(names vocabulary.Vocabulary, written string) (schema.Field, error) {
	field, err := names.Lookup(written[1:])
	if err == nil {
		return field, nil
	}
	if field, e := names.Lookup(written); e == nil {
		return field, nil
	}
	return field, err
}

// column is where a field of the table is stored.
func column(f schema.Field) string {
	if f.Kind == schema.FieldAttribute {
		return "attributes." + f.Name
	}
	return f.Name
}
