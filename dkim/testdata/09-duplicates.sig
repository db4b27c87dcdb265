DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Subject:Subject:
 Date:Date:Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID:References:References;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=4R8SMOG4uL9Y6T/WQjGxqApdndQlbgAnV+uAKEVkPUhj4DwV7sJDlYcCqE8NqnEvA42PokMs
 UtGZGVDurqi8VpyjPmG8Tg49KmFECnTDkOecXVDNSIsHlYXMXAKxSRUsoB+BfkGtegxEtU01g8jV
 fqYIAjpbEkgc0I7aVNIHWS0=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Subject:Subject:Date:Date:Message-ID:
 Message-ID:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID:References:
 References; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=ka2x/7m7paRGm0D02fPX7GU/LxzryrU/ZoNXMBlgdB/l1bkmU9zySYrHPh0r9pXHpwAPPyN5
 hxGamxeSExLcCQ==
