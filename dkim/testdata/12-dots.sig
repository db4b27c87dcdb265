DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=Eq582JBiFkwuP6jLq8uhGk9EBccp4I/B0TIlmZ0BzCo=;
 b=k4x9tfGXE31q67znnAc7j4h5yIOHQ9VJf5PqyvGYCt+76lZFta0vd0L175KtsEGl+3LozFfQ
 B1xllgvLpWYZ/U5XeIXMUQWuY0lGNpmYiCKDXGGZoifBxZqHJa/zeZ+hMRtmax9GD6Z5Qp1NHBE5
 UKZ0Aa/G7JIcsQblb2bRPnQ=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=Eq582JBiFkwuP6jLq8uhGk9EBccp4I/B0TIlmZ0BzCo=;
 b=jzklVO7+8ev6wUfTc9lIi4BeH/UjzvR5sRDtUTH5OZavZ62dIs72PG2Ssw5nBDpyX2ZZYKL6
 3dJc1GLe4HgBCg==
