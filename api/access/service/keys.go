package service

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"

	"nightjar/api/access"
	"nightjar/api/access/signin"
	"nightjar/schema"
)

// keys serves KeyService.
type keys struct {
	pb.UnimplementedKeyServiceServer
	keys     *access.Keys
	sessions *signin.Sessions // nil: nobody signs in
}

// CreateKey makes a key.
func (s *keys) CreateKey(ctx context.Context, in *pb.CreateKeyRequest) (*pb.Key, error) {
	lifetime, err := duration("expires_in", in.GetExpiresIn())
	if err != nil {
		return nil, err
	}
	key := access.Key{Name: in.GetName(), Role: access.Role(in.GetRole()), Rate: in.GetRate(), Uses: in.GetUses()}
	if lifetime > 0 {
		key.Expires = s.keys.In(lifetime)
	}
	stored, secret, err := s.keys.Create(ctx, key)
	return s.answer(stored, secret), err
}

// ListKeys shows all keys, without what they are.
func (s *keys) ListKeys(context.Context, *pb.ListKeysRequest) (*pb.ListKeysResponse, error) {
	out := &pb.ListKeysResponse{Keys: []*pb.Key{{
		Id: access.FirstID, Name: "first key", Role: string(access.Admin), LastUsed: shown(s.keys.LastUsed(access.FirstID)),
	}}}
	for _, v := range s.keys.List() {
		out.Keys = append(out.Keys, s.answer(v, ""))
	}
	return out, nil
}

// RotateKey replaces a key.
func (s *keys) RotateKey(ctx context.Context, in *pb.RotateKeyRequest) (*pb.Key, error) {
	var grace time.Duration
	var err error
	if in.GetGrace() != "0" {
		if grace, err = duration("grace", in.GetGrace()); err != nil {
			return nil, err
		}
	}
	stored, secret, err := s.keys.Rotate(ctx, in.GetKeyId(), grace)
	return s.answer(stored, secret), err
}

// RevokeKey ends a key, or else the sessions that are of this id, or of a person of this
// name: people whom a provider knows are nobody that could be deleted here.
func (s *keys) RevokeKey(ctx context.Context, in *pb.RevokeKeyRequest) (*emptypb.Empty, error) {
	id := in.GetKeyId()
	_, err := s.keys.Revoke(ctx, id)
	if s.sessions != nil && id != "" && errors.As(err, new(*schema.NotFoundError)) {
		if ended, endErr := s.sessions.EndAll(id); ended > 0 || endErr != nil {
			err = endErr
		}
	}
	return &emptypb.Empty{}, err
}

func (s *keys) answer(v access.Stored, secret string) *pb.Key {
	k := v.Body
	out := &pb.Key{
		Id: v.ID, Name: k.Name, Role: string(k.Role), Key: secret, Hint: k.Hint, Created: shown(v.CreatedAt), Expires: shown(k.Expires),
		LastUsed: shown(s.keys.LastUsed(v.ID)), Rate: k.Rate, CreatedBy: k.CreatedBy, Uses: k.Uses, Used: k.Used, Agent: k.Agent,
	}
	if k.Former != "" && s.keys.In(0) < k.FormerUntil {
		out.FormerUntil = k.FormerUntil.String()
	}
	return out
}
