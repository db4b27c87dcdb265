DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:MIME-Version:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe-Post:List-Id:
 Feedback-ID; bh=Mnt6xp+ITdmlCmdtMceElA85zZ09n/pLvXlNsqc/+YE=;
 b=xXzmPPRbgvHW9pay/eLVb/+j0Lp7lRNcRqSpkgwYkq3iAcwQSDB85OzkXB0e7Lu8RysLNNwM
 K2S0nPQ0LA1yRl3wKMag9YNPErYE3Z7jTIu9gtjW6OfQ46dFspX+1rtPFt7CjoFmM/qSnRB/YBcm
 120S6J6KuAseSWR5FXaxnz0=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:MIME-Version:Content-Type:Content-Transfer-Encoding:
 List-Unsubscribe:List-Unsubscribe-Post:List-Id:Feedback-ID;
 bh=Mnt6xp+ITdmlCmdtMceElA85zZ09n/pLvXlNsqc/+YE=;
 b=w6PReW1RuKkrybFD8C5Aby3x6+8QB9qS6gxXSOyXYkseQKewHCd6fWXTaig4I0zAC6S47Q8Z
 DGe5oXtl0w+tBQ==
