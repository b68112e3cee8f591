package pipeline

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"nightjar/ingest/record"
)

// StringBuilder makes a text of attributes and words.
type StringBuilder struct {
	Base
	Template string `json:"template"`
	Target   string `json:"target"`
	Replace  bool   `json:"is_replace_missing"`
	// Longest is ours: how many characters the text has at most. 0: as the vendor has it.
	Longest int64 `json:"max_length,omitempty"`

	path  record.Path
	parts []templatePart
}

// templatePart is a text, or, where path is not empty, an attribute.
type templatePart struct {
	text string
	path record.Path
}

// maxBuilt is how many characters a built text has at most, as the vendor has it;
// longestBuilt is how many max_length may say.
const (
	maxBuilt     = 256
	longestBuilt = 65_536
)

func readStringBuilder(o *object, b Base) Processor {
	s := &StringBuilder{Base: b, Replace: o.flagOr("is_replace_missing", false)}
	s.Target, s.path = o.attribute("target", "")
	if o.find("max_length") != nil {
		s.Longest = o.integer("max_length")
		if s.Longest < 1 || s.Longest > longestBuilt {
			o.problem("max_length", fmt.Sprintf("a text has 1 to %d characters", longestBuilt), "")
		}
	}
	if s.Template = o.text("template"); s.Template == "" && o.find("template") != nil {
		o.problem("template", `"template" is empty`, "")
	}
	for rest := s.Template; rest != ""; {
		before, after, block := strings.Cut(rest, "%{")
		if before != "" {
			s.parts = append(s.parts, templatePart{text: before})
		}
		if !block {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed {
			o.problem("template", "the block %{"+shortened(name)+" does not end", "close it with }")
			break
		}
		s.parts = append(s.parts, templatePart{path: o.pathOf(o.find("template"), o.path("template"), strings.TrimSpace(name))})
		rest = after
	}
	return s
}

func (s *StringBuilder) run(x *run) outcome {
	var b strings.Builder
	most := int(cmp.Or(s.Longest, maxBuilt))
	for i, p := range s.parts {
		text, ok := p.text, true
		if p.path.String() != "" {
			text, ok = builtText(x.get(p.path))
		}
		if !ok && !s.Replace {
			return skipped(p.path.String() + " is missing")
		}
		if b.Len() < most*utf8.UTFMax { // which is as long as it can become
			b.WriteString(text)
		}
		if i%partsAtOnce == partsAtOnce-1 && x.overdue(expensive) {
			return failed(errStopped)
		}
	}
	text := b.String()
	if len(text) > most {
		if runes := []rune(text); len(runes) > most {
			text = string(runes[:most])
		}
	}
	return x.putNew(s.path, x.String(text))
}

// partsAtOnce is after how many parts of a template the clock is asked.
const partsAtOnce = 8

// builtText is an attribute's text. Of an array that a path through objects found, each
// may be an array.
func builtText(v *fastjson.Value) (string, bool) {
	if v == nil || v.Type() != fastjson.TypeArray {
		return record.Text(v)
	}
	texts := make([]string, 0, len(v.GetArray()))
	for _, e := range v.GetArray() {
		if e.Type() == fastjson.TypeNull {
			continue
		}
		text, ok := record.Text(e)
		if !ok {
			return "", false
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ","), true
}
