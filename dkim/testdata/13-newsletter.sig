DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com;
 s=test; t=1528637909; h=From:From:To:To:Cc:Subject:Subject:Date:Date:
 Message-ID:Message-ID:Reply-To:Reply-To:MIME-Version:MIME-Version:
 Content-Type:Content-Type:Content-Transfer-Encoding:List-Unsubscribe:
 List-Unsubscribe:List-Unsubscribe-Post:List-Unsubscribe-Post:List-Id:List-Id:
 Feedback-ID:Feedback-ID:Precedence:CFBL-Address:BIMI-Selector;
 bh=GIczKQC7+UvdDou5YYnUqEU1nxKU4mzmON+h2u6PPQA=;
 b=u/bDEN1JYJMhkwpp/ui/YASHXH7FJ95OwcprIhLylJ3Ut8L21+AzQCVCCfw9XQuIfPzSxY1S
 N9XWU7qLI2xgAGow9/+Hw4kbUKJjCtCHoTG3BlOcFQbxSdIzqGYtg7HvjOyqEm6IvNP95iqytFvl
 D6a7JYBKWCua+JE5u0kOArk=
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; s=brisbane; t=1528637909;
 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
 Reply-To:Reply-To:MIME-Version:MIME-Version:Content-Type:Content-Type:
 Content-Transfer-Encoding:List-Unsubscribe:List-Unsubscribe:
 List-Unsubscribe-Post:List-Unsubscribe-Post:List-Id:List-Id:Feedback-ID:
 Feedback-ID:Precedence:CFBL-Address:BIMI-Selector;
 bh=GIczKQC7+UvdDou5YYnUqEU1nxKU4mzmON+h2u6PPQA=;
 b=KM9c+zru8PtRRm2o13iaodJnv/A2Y1vsCQ1z/r/u9GD8KMLw7p9Z3zcGo13aujYrF6E/hB8/
 sKnbrcCyuHIJCQ==
