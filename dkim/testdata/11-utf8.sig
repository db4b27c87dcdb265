DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=QFzSzls36aZjaTGzmLuVoLP6Xz1jql3r0hpFoTjwlvY=;
 b=wHpI0pvPNWSOXXqEAVjai6cACpNe6u/Nz4+9DBnovst9dlZUidpanRPZ2XSGdwdFT5GNCeP1
 vBXYiBO8QYUmwJzAJYgZJU29k1T4NRWcAsYviUCOm5dG6qeKhRMZx8WR8bjnA8/9Q+TVQBRnjN32
 WotdAquxWAbp9Ix85Ut1tCM=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=QFzSzls36aZjaTGzmLuVoLP6Xz1jql3r0hpFoTjwlvY=;
 b=f+lHfQNX0rC5tRFiPy4FcLRihJ7Vztkxwv0wHthQorCM3ozByI5kZ3Aq0vxkYCrn/8M92ZEn
 6cM2cPueJe0IBw==
