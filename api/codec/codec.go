package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	pb "nightjar/api/v1"
)

// JSON is the REST form of our messages. protojson would not do: it writes
// int64 as strings and leaves empty lists out, and Datadog's client then reads a
// rule as nothing, without an error. What a field looks like is decided by its
// kind and the options of wire.proto, nowhere else.
type JSON struct{}

var _ runtime.Marshaler = JSON{}

// ContentType is that of the answer.
func (JSON) ContentType(v any) string {
	switch v := v.(type) {
	case *pb.QueryResponse:
		if v.Csv != nil {
			return "text/csv; charset=utf-8"
		}
	case *pb.File:
		return v.GetContentType()
	case proto.Message:
		if isJSONAPI, _ := proto.GetExtension(v.ProtoReflect().Descriptor().Options(), pb.E_JsonApi).(bool); isJSONAPI {
			return "application/vnd.api+json"
		}
	}
	return "application/json"
}

// Marshal writes a message.
func (JSON) Marshal(v any) ([]byte, error) {
	switch v := v.(type) {
	case *pb.QueryResponse:
		if v.Csv != nil {
			return []byte(*v.Csv), nil
		}
		return Encode(v)
	case *pb.File:
		return v.GetContent(), nil
	case *emptypb.Empty:
		return nil, nil
	case *pb.AgentOrders:
		if v.GetPayload() == "" {
			return nil, nil
		}
		return Encode(v)
	case proto.Message:
		return Encode(v)
	}
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.Type().Elem().Implements(messageType) {
		return encodeList(list)
	}
	return json.Marshal(v)
}

var messageType = reflect.TypeFor[proto.Message]()

// Unmarshal reads a message.
func (JSON) Unmarshal(data []byte, v any) error {
	return JSON{}.NewDecoder(bytes.NewReader(data)).Decode(v)
}

// NewDecoder reads one message. What is odd about the body goes to the exchange
// that it belongs to.
func (JSON) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		x := &api.Exchange{}
		if b, ok := r.(interface{ Exchange() *api.Exchange }); ok {
			x = b.Exchange()
		}
		err := read(x, r, v)
		if err != nil && !errors.Is(err, io.EOF) {
			x.Failed = err
		}
		return err
	})
}

// NewEncoder writes messages.
func (c JSON) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		data, err := c.Marshal(v)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
}
