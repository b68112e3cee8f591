package rules

import (
	"archive/zip"
	"bytes"
	"fmt"

	"nightjar/api/terraform"
	pb "nightjar/api/v1"
)

// archive packs files into one. Equal files give equal bytes.
type archive struct {
	buffer bytes.Buffer
	zip    *zip.Writer
	taken  map[string]bool
}

func newArchive() *archive {
	a := &archive{taken: map[string]bool{}}
	a.zip = zip.NewWriter(&a.buffer)
	return a
}

// add packs a file named after what is in it; of two that have one name the
// second one's has its id.
func (a *archive) add(name, id, suffix string, content []byte) error {
	file := terraform.ResourceName(name)
	if a.taken[file] {
		file += "-" + id
	}
	a.taken[file] = true
	w, err := a.zip.Create(file + suffix)
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil {
		return fmt.Errorf("pack %s: %w", file, err)
	}
	return nil
}

func (a *archive) file(name string) (*pb.File, error) {
	if err := a.zip.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", name, err)
	}
	return &pb.File{Name: name, ContentType: "application/zip", Content: a.buffer.Bytes()}, nil
}
