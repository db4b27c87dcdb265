package campaign

// ListDeletion is what went with a list.
type ListDeletion struct {
	Memberships int64 `json:"memberships"`
	Contacts    int64 `json:"contacts"` // that were in no other list; 0 unless asked for
}
