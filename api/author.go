package api

import pb "nightjar/api/v1"

// theAuthor is who wrote everything: there is one key.
func theAuthor() *pb.User { return &pb.User{Handle: author.handle, Name: author.name} }

var author = struct {
	id                 int64
	handle, name, uuid string
}{1, "nightjar", "nightjar", "00000000-0000-0000-0000-000000000001"}
