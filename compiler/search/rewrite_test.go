package search_test

import (
	"strings"
	"testing"

	"nightjar/compiler/search"
	"nightjar/schema"
)

// TestEveryFieldOfAQueryIsRenamed has a term of every kind.
func TestEveryFieldOfAQueryIsRenamed(t *testing.T) {
	rename := func(f schema.Field) schema.Field {
		return schema.Field{Kind: schema.FieldAttribute, Name: "new." + f.Name}
	}
	query := `@a:x OR -(b:y* @c:[1 TO 2]) OR _exists_:@d OR CIDR(@e, 10.0.0.0/8) OR ICASE(@f, x) OR REGEX(@g, "x") OR ANY(@h, @inner:x) OR SAME(@i, @j) OR LENGTH(@k) > 3 OR word`
	q, err := search.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	want := `@new.a:x OR -(@new.b:y* @new.c:[1 TO 2]) OR _exists_:@new.d OR CIDR(@new.e, 10.0.0.0/8) OR ICASE(@new.f, x) OR REGEX(@new.g, "x") OR ANY(@new.h, @inner:x) OR SAME(@new.i, @new.j) OR LENGTH(@new.k) > 3 OR word`
	if got := q.Renamed(rename).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := q.String(); strings.Contains(got, "new.") {
		t.Errorf("the query itself became %s", got)
	}
}
