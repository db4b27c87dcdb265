DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=cHRnaJhVaUIXL/EyhuKG1SE4Ev0+UYTTp9i73A0WJ70fIApOlGbaAGM9x6AY8RUQoyhsLzyY
 jbrTbYU0ZjvIZ9PKcvABs5UFX3ScfLarsAseVNq/KWiHPTHJGgkYmf74uyle5V0PpbKY2CQUYefW
 fYzdmYU11t04lVGE6VPch3I=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=oXvje7xCn44E5ZHJFqhrxMdkgDXK8G4t+2kvNTa2PBYQYQWSxiRkTfSdjcJo1UFyYY7tpkMm
 8vQ7hZhZC+lZDA==
