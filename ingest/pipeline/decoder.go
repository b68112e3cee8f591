package pipeline

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// Decoder decodes bytes that are written as text.
type Decoder struct {
	Base
	Source         string `json:"source"`
	Target         string `json:"target"`
	Encoding       string `json:"binary_to_text_encoding"`
	Representation string `json:"input_representation"`

	source, target record.Path
}

func readDecoder(o *object, b Base) Processor {
	d := &Decoder{Base: b}
	d.Source, d.source = o.attribute("source", "")
	d.Target, d.target = o.attribute("target", "")
	d.Encoding = o.oneOf("binary_to_text_encoding", required, "base64", "base16")
	d.Representation = o.oneOf("input_representation", required, "utf_8", "integer")
	return d
}

func (d *Decoder) run(x *run) outcome {
	v := x.get(d.source)
	if v == nil {
		return skipped("its source is missing")
	}
	if v.Type() != fastjson.TypeString {
		return skipped("its source is no text")
	}
	data, err := d.decode(strings.TrimSpace(string(v.GetStringBytes())))
	if err != nil {
		return failed(err)
	}
	if d.Representation == "integer" {
		return d.integer(x, data)
	}
	text := trimmedText(data)
	if !utf8.ValidString(text) {
		return failed(errors.New("what was decoded is no UTF-8"))
	}
	return x.putNew(d.target, x.String(text))
}

// decode decodes what there is of a text that was cut.
func (d *Decoder) decode(text string) ([]byte, error) {
	if d.Encoding == "base16" {
		data, err := hex.DecodeString(text[:len(text)&^1])
		if err != nil {
			err = errors.New("the source is no base16")
		}
		return data, err
	}
	text = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(strings.TrimRight(text, "="))
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		err = errors.New("the source is no base64")
	}
	return data, err
}

// trimmedText is text without a character at its end that was cut.
func trimmedText(data []byte) string {
	for i := len(data) - 1; i >= 0 && i >= len(data)-utf8.UTFMax; i-- {
		if utf8.RuneStart(data[i]) {
			if !utf8.FullRune(data[i:]) {
				data = data[:i]
			}
			break
		}
	}
	return string(data)
}

// integer reads the bytes as one number without sign, the highest first.
func (d *Decoder) integer(x *run, data []byte) outcome {
	for len(data) > 0 && data[0] == 0 {
		data = data[1:]
	}
	if len(data) > 8 {
		return failed(errors.New("the number has more than 64 bits"))
	}
	n := uint64(0)
	for _, b := range data {
		n = n<<8 | uint64(b)
	}
	return x.putNew(d.target, x.Arena.NewNumberString(strconv.FormatUint(n, 10)))
}
