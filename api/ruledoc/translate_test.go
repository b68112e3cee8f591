package ruledoc

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"nightjar/api/codec"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// fill sets every field below v to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return // given by the test
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(7)
	}
}

func filledRule() schema.Rule {
	var r schema.Rule
	fill(reflect.ValueOf(&r).Elem())
	r.Options.Compliance = json.RawMessage(`{"resourceType":"x","regoRule":{"policy":"p","resourceTypes":["x"]},"complexRule":true}`)
	r.ComplianceSignal = json.RawMessage(`{"defaultActivationStatus":true,"defaultGroupByFields":["a"],"userActivationStatus":true,"userGroupByFields":["b"]}`)
	r.Cases[0].Actions = json.RawMessage(`[{"type":"t","options":{"duration":1,"flaggedIPType":"f","userBehaviorName":"u"}}]`)
	return r
}

// Whatever a stored rule says is in the API's rule and comes back from there.
func TestRuleTranslationIsComplete(t *testing.T) {
	want := filledRule()
	text, _ := json.Marshal(want)
	if err := (codec.JSON{}).Unmarshal(text, new(pb.Rule)); err != nil { // of an unknown key, too
		t.Fatalf("the API's rule lacks something: %v", err)
	}
	shown, err := ToProto(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromProto(shown)
	if err != nil {
		t.Fatal(err)
	}
	got.ID, got.Version, got.CreatedAt, got.UpdatedAt = want.ID, want.Version, want.CreatedAt, want.UpdatedAt
	got.IsDefault, got.IsDeleted = want.IsDefault, want.IsDeleted
	a, _ := json.Marshal(got)
	if b, _ := json.Marshal(want); !bytes.Equal(a, b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	// The other way: every field of a request reaches the stored rule.
	var fields int
	for i := range shown.ProtoReflect().Descriptor().Fields().Len() {
		fd := shown.ProtoReflect().Descriptor().Fields().Get(i)
		if fd.Number() < codec.FirstServerField {
			fields++
			if !shown.ProtoReflect().Has(fd) {
				t.Errorf("schema.Rule has nothing for %s", fd.Name())
			}
		}
	}
	if fields != 18 {
		t.Errorf("looped over %d fields of a request, want 18", fields)
	}
}
