package agents

import (
	"encoding/json"
	"reflect"
	"testing"

	"nightjar/agent/orders"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
)

// TestWhatAnAgentSaysIsReadWhole holds that an agent's types and those of the API say the
// same: a field that one of them lacks is refused, or lost.
func TestWhatAnAgentSaysIsReadWhole(t *testing.T) {
	want := &orders.Sync{}
	fill(reflect.ValueOf(want).Elem())
	want.Results[0].Report = json.RawMessage(`{"n":[1]}`)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	in := &pb.AgentSync{}
	if err := codec.Decode(text, in); err != nil {
		t.Fatal(err)
	}
	if got := syncOf(in); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	enrolment := orders.Enrolment{}
	fill(reflect.ValueOf(&enrolment).Elem())
	if text, err = json.Marshal(enrolment); err != nil {
		t.Fatal(err)
	}
	if err := codec.Decode(text, &pb.EnrollAgentRequest{}); err != nil {
		t.Error(err)
	}
}

// TestAnAgentReadsTheAnswers holds it of the other direction.
func TestAnAgentReadsTheAnswers(t *testing.T) {
	text, err := codec.Encode(&pb.AgentOrders{Payload: "AAE=", Signature: "AgM=", Key: "k"})
	var signed orders.Signed
	if err != nil || json.Unmarshal(text, &signed) != nil || !reflect.DeepEqual(signed, orders.Signed{Payload: []byte{0, 1}, Signature: []byte{2, 3}, Key: "k"}) {
		t.Errorf("%s: %+v, %v", text, signed, err)
	}
	text, err = codec.Encode(&pb.EnrolledAgent{Agent: "a", Key: "k", ServerKey: "AAE="})
	var made orders.Enrolled
	if err != nil || json.Unmarshal(text, &made) != nil || !reflect.DeepEqual(made, orders.Enrolled{Agent: "a", Key: "k", ServerKey: []byte{0, 1}}) {
		t.Errorf("%s: %+v, %v", text, made, err)
	}
}

// fill gives every field a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Uint8:
		v.SetUint('1')
	case reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	}
}
