DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Message-ID:
 Reply-To:Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=Y04wRQcOcwoIEjRrLF0VhwtZuySP+GXvlVODY8aM4sYA8tNlpPo4DdrACDZXjXoeJB+0+yUr
 tAf8sXD/qMB45vwCCdNSblv9e9LWU0Xe6pWyPqcJ82MnPKNN0XhOT3LtPeNdXzbkKtSI1i7NyVhc
 7LOf9yNpFKQZz2PU1Xq1SaI=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Message-ID:Reply-To:Reply-To:
 MIME-Version:Content-Type:Content-Transfer-Encoding:List-Unsubscribe:
 List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=pRj28wONzB8v2QrfErqfI87vf+zwxNYzjhWOJcRSVhZ6bv/nRpm6AiQ+2hq6SkvyKgI7s2jU
 BR4i/esQTCsPBw==
