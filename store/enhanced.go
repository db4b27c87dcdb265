package store

import (
	"strconv"
	"strings"
)

// packEnhanced makes a number of an enhanced status code, class.subject.detail of
// at most 1, 3 and 3 digits (RFC 3463 §2); 0 when it is none.
func packEnhanced(code string) int32 {
	var packed int32
	parts := strings.Split(code, ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return 0
	}
	for _, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || n > 999 {
			return 0
		}
		packed = packed*1000 + int32(n)
	}
	return packed
}

func unpackEnhanced(packed int32) string {
	if packed == 0 {
		return ""
	}
	b := strconv.AppendInt(nil, int64(packed/1_000_000), 10)
	b = strconv.AppendInt(append(b, '.'), int64(packed/1000%1000), 10)
	b = strconv.AppendInt(append(b, '.'), int64(packed%1000), 10)
	return string(b)
}
